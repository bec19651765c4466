"""Names of lists matched with those of files, as toolkits rewrite them."""

from __future__ import annotations

import pytest

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
