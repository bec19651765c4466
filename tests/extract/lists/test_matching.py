"""Names of lists matched with those of files, as toolkits rewrite them: found, or refused."""

from __future__ import annotations

import time

import pytest

from tcon.extract.lists import Entry, join
from tcon.extract.lists.matching import Names, normalise


@pytest.mark.parametrize(
    ("listed", "there"),
    [
        # HMDB51 as TA3N's, ATCoN's and CoMix' lists rewrite it
        ("Kotasova_(CZE)_climb_f_0.avi", "climb/Kotasova_CZE_climb_f_0.avi"),
        ("Kotasova__CZE__climb_f_0", "climb/Kotasova_(CZE)_climb_f_0.avi"),
        ("Rock_&_Roll_climb_f_0", "climb/Rock___Roll_climb_f_0.avi"),
        ("Scene_Part_1_[HD]_fencing_0", "fencing/Scene_Part_1__HD__fencing_0"),
        ("THE_WALLET_TRICK!!!_pick_2.avi", "pick/THE_WALLET_TRICK____pick_2.avi"),
        ("v_38_push-ups!_Not_bad_4", "pushup/38_push-ups!_Not_bad_4.avi"),
        # brackets dropped: a test video of ride_horse
        (
            "FullyAliveRequest_ride_horse_f_cm_np1_ri_med_0",
            "ride_horse/FullyAlive(Request)_ride_horse_f_cm_np1_ri_med_0.avi",
        ),
        (
            "v_FullyAliveRequest_ride_horse_f_cm_np1_ri_med_0",
            "ride_horse/FullyAlive(Request)_ride_horse_f_cm_np1_ri_med_0.avi",
        ),
        (
            "FullyAlive(Request)_ride_horse_f_cm_np1_ri_med_0.avi",
            "FullyAliveRequest_ride_horse_f_cm_np1_ri_med_0",
        ),
        ("Biking_g01_c01", "v_Biking_g01_c01.avi"),
        # UCF101: the folder HandstandPushups holds v_HandStandPushups
        ("x/v_HandstandPushups_g01_c01.avi", "HandstandPushups/v_HandStandPushups_g01_c01.avi"),
        # lists of other machines
        ("/home/me/RGB-feature/v_Biking_g01_c01", "Biking/v_Biking_g01_c01.avi"),
        ("C:\\videos\\v_Biking_g01_c01.avi", "Biking/v_Biking_g01_c01.avi"),
        ("Biking/v_Biking_g01_c01.avi", "Biking/v_Biking_g01_c01.mp4"),
        # Kinetics' clips, named by their seconds or not
        ("-1RxG3SJZfY_000103_000113", "val/walking_the_dog/-1RxG3SJZfY_000103_000113.mp4"),
        ("-1RxG3SJZfY_000103_000113", "-1RxG3SJZfY.mp4"),
        # what looks like a suffix and is none
        ("Dr.No", "spy/Dr.No.avi"),
        ("clip_1.5", "clip_1.5.3gp"),
        ("S01.cam2.mp4", "S01.cam2"),
        ("S01.cam2", "S01.cam2.mp4"),
        ("Dr.No.mp4", "Dr.No"),
        ("Dr.No.avi", "spy/Dr.No.avi.pkl"),
        # other alphabets; macOS writes ü as u and a mark
        ("m\u00fcnchen", "mu\u0308nchen.avi"),
        ("прыжок 1", "прыжок_1.avi"),
    ],
)
def test_rewritten_name_is_found(listed: str, there: str) -> None:
    others = ["golf/swing.avi", "!!!.avi", "ёлка.avi", "v_Biking_g01_c02.avi"]
    assert Names([there, *others]).find(listed).names == [there]


def test_exact_path_goes_before_like_ones() -> None:
    names = Names(["a/1.avi", "b/1.avi", "1.avi", "1"])
    assert names.find("b/1.avi").names == ["b/1.avi"]
    assert names.find("1").names == ["1"]


@pytest.mark.parametrize("name", ["???", "кот", "2.avi", "", "..", "/", "S01.cam2", "Dr.Yes"])
def test_what_is_not_there_is_not_found(name: str) -> None:
    there = ["!!!.avi", "ёлка.avi", "1.avi", "S01.cam1", "S01.cam3.mp4", "Dr.No"]
    assert not Names(there).find(name).names


def test_letters_alone_count_where_one_name_has_them() -> None:
    alike = ["Ful(ly)Alive.avi", "Fully(A)live.avi"]
    assert Names(alike).find("FullyAlive").names == alike  # it is not clear which
    assert Names(["P01_1_10", "P01_111"]).find("P01_11_0").names == ()
    assert Names(["full_y", "fully"]).find("fully").names == ["fully"]
    assert Names(["a/full_y.avi", "a/fully.avi"]).find("/far/a/fully").names == ["a/fully.avi"]


def test_nearest_name() -> None:
    names = Names(["golf/Swing_(fast)_1.avi", "walk/dog.avi"])
    assert names.nearest("swng_fast_1") == "golf/Swing_(fast)_1.avi"
    assert names.nearest("xyz") is None
    many = Names([f"clip_{n}_{word}_x.avi" for n in range(2000) for word in ("run", "walk")])
    assert many.nearest("clip_1999_run_y") == "clip_1999_run_x.avi"
    assert Names(["34870"]).nearest("34871") is None


def test_normalise() -> None:
    assert normalise("v_Kick_(CZE)_1!") == "kickcze1"
    assert normalise("P01_11_0") == "p01_11_0"


def found(lines: str, there: str) -> dict[str, str | None]:
    """What ``name label`` lines mean of the names that are ``there``."""
    entries = [Entry(*line.split()) for line in lines.split(", ")]
    joined = join(entries, there.split(", "))
    return {entry.name: name for entry, name in zip(entries, joined.found, strict=True)}


def why(lines: str, there: str) -> list[str]:
    """What is said of those that mean nothing."""
    entries = [Entry(*line.split()) for line in lines.split(", ")]
    joined = join(entries, there.split(", "))
    unmatched = [e for e, name in zip(entries, joined.found, strict=True) if name is None]
    return [joined.explain(entry) for entry in unmatched]


def test_folder_or_label_tells_like_names_apart() -> None:
    there = "ride_bike/1.avi, golf/1.avi, walk/1.avi"
    assert found("/far/golf/1.avi", there) == {"/far/golf/1.avi": "golf/1.avi"}
    assert found("1 Ride-bike", there) == {"1": "ride_bike/1.avi"}
    assert why("1", there) == ["is that golf/1.avi or ride_bike/1.avi or walk/1.avi?"]
    assert found("/x/train/run/1", "train/run/1, test/run/1") == {"/x/train/run/1": "train/run/1"}


def test_a_video_is_one_entry_s() -> None:
    lines, there = "A/001 run, B/001 run, C/001 run, run/002 run", "run/001, run/002"
    assert found(lines, there) == {
        **{"A/001": None, "B/001": None, "C/001": None},
        "run/002": "run/002",
    }
    assert why(lines, there)[0] == "is that run/001, which B/001 can mean too?"
    assert found("1_000001_000011, 1_000005_000015", "1.mp4") == dict.fromkeys(
        ["1_000001_000011", "1_000005_000015"]
    )


def test_the_entry_written_most_alike_has_it() -> None:
    lines, there = "clip-1, clip_1, clip_2, clip__2_", "clip_1, clip_(2)"
    assert found(lines, there) == {
        **{"clip-1": None, "clip_1": "clip_1"},
        **{"clip_2": None, "clip__2_": None},  # either may be
    }
    assert why(lines, there)[0] == "is that clip_1, which clip_1 can mean too?"
    assert found("A/001 run, run/001 run", "x/run/001") == {"A/001": None, "run/001": "x/run/001"}


def test_entries_that_repeat_a_name_mean_the_same() -> None:
    entries = [Entry("x/a", "run"), Entry("x/a", "walk"), Entry("x/a", "run")]
    assert join(entries, ["a"]).found == ("a", "a", "a")


@pytest.mark.parametrize("folder", ["", "videos/"])
@pytest.mark.parametrize(
    ("lines", "there"),
    [
        ("walk/001.mp4 walk", "run/001.npy"),  # a number, in what may be a class
        ("walk/a.mp4 walk, run/b.mp4 run", "run/a.mp4"),  # in another entry's folder
        ("a.mp4 walk, b.mp4 run", "run/a.mp4"),  # in another label's
        ("walk/a.mp4", "run/a.mp4, walk/b.mp4"),  # its own folder is there
        ("a/other_2.avi a", "b/other_2.avi, a/other_1.avi"),
    ],
)
def test_a_like_name_in_the_folder_of_another_class_is_refused(
    lines: str, there: str, folder: str
) -> None:
    there = ", ".join(folder + name for name in there.split(", "))
    assert next(iter(found(lines, there).values())) is None
    assert why(lines, there)[0] == f"did you mean {there.split(', ')[0]}?"


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("Archery/v_Archery_g01_c01.avi Archery", "frames/v_Archery_g01_c01"),
        ("/home/me/RGB-feature/train/Olivia_climb 0", "Olivia_climb"),
        ("/data/jester/34870 Thumb", "feat/34870"),
        ("-1R_000103_000113 abseiling", "val/-1R_000103_000113.mp4"),
    ],
)
def test_a_folder_that_is_no_class_does_not_matter(line: str, there: str) -> None:
    assert found(line, there) == {line.split()[0]: there}


def test_a_video_that_another_entry_has_is_not_near() -> None:
    assert why("swing_1, swing_2", "swing_1, swing_3") == ["did you mean swing_3?"]
    assert why("swing_1, swing_2", "swing_1") == [""]


def test_folders_further_up_and_the_label_tell_like_names_apart() -> None:
    there = "a/run/rgb/1.avi, a/golf/rgb/1.avi, b/golf/rgb/1.avi, walk/1.avi"
    assert found("/x/run/rgb/1", there) == {"/x/run/rgb/1": "a/run/rgb/1.avi"}
    assert found("/b/golf/rgb/1 walk", there) == {"/b/golf/rgb/1": "b/golf/rgb/1.avi"}
    assert why("/x/golf/rgb/1", there) == ["is that a/golf/rgb/1.avi or b/golf/rgb/1.avi?"]
    assert why("golf/1 walk", "a/golf/1.avi, b/walk/1.avi") == [
        "is that a/golf/1.avi or b/walk/1.avi?"
    ]


@pytest.mark.parametrize(
    ("listed", "label", "matched"),
    [("/home/me/c{}/001.mp4", "{}", True), ("001.mp4", "c{}", True), ("k{}/001.mp4", "", False)],
)
def test_thousands_of_a_last_name_are_quick(listed: str, label: str, matched: bool) -> None:
    """Each compared with each other, they would take minutes."""
    there = [f"c{n}/001.mp4" for n in range(3000)]
    entries = [Entry(listed.format(n), label.format(n)) for n in range(3000)]
    begun = time.process_time()
    expected = tuple(there) if matched else (None,) * len(there)
    assert join(entries, there).found == expected
    assert time.process_time() - begun < 5


def test_many_videos_of_one_name_take_no_square_of_time() -> None:
    """Each entry once copied the folders of all."""
    entries = [Entry(f"{n}/clip.mp4", "run") for n in range(30_000)]
    assert not any(join(entries, ["clip.mp4"]).found)
