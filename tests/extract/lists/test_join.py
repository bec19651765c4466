"""Entries of lists joined with what is there: what is taken, and what is refused."""

from __future__ import annotations

import time

import pytest

from tcon.extract.lists import Entry, join


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
