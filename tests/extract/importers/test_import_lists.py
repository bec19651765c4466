"""Which videos an import takes, and their labels and splits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from import_files import features, write_list

from tcon.cache import InputError
from tcon.extract.importers.formats.source import FeatureSource
from tcon.extract.importers.registry import open_source
from tcon.extract.importers.wanted import Wanted, choose_videos

NAMES = ("v_Biking_g01_c01", "kick_CZE_1_", "v_Walk_g02_c03")
TA3N = "/home/author/data/ucf101/RGB-feature"  # of the author's machine


@pytest.fixture
def source(tmp_path: Path) -> FeatureSource:
    folder = tmp_path / "features"
    folder.mkdir()
    for name in NAMES:
        np.save(folder / f"{name}.npy", features(2))
    return open_source("npy", folder)


@pytest.fixture
def from_folders(tmp_path: Path) -> Callable[..., Wanted]:
    """What is taken of files with these names."""

    def take(*names: str, **options: bool) -> Wanted:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            np.save(tmp_path / f"{name}.npy", features(2))
        return choose_videos(open_source("npy", tmp_path), **options)

    return take


def known(wanted: Wanted) -> dict[str, tuple[str, str]]:
    return {name: (entry.label, entry.split) for name, entry in wanted.videos.items()}


def test_ta3n_lists_of_another_machine(source: FeatureSource, tmp_path: Path) -> None:
    train = write_list(
        tmp_path / "list_ucf101_train_hmdb_ucf-feature.txt",
        [f"{TA3N}/v_Biking_g01_c01 120 2", f"{TA3N}/kick_(CZE)_1! 80 3"],
    )
    np.save(source.path / "v_Walk_g02_c04.npy", features(2))
    source = open_source("npy", source.path)
    lines = [f"{TA3N}/v_Walk_g02_c03 60 9 ", f"{TA3N}/v_Walk_g2_c4 6 9"]
    val = write_list(tmp_path / "val.txt", lines)
    wanted = choose_videos(source, [str(train), f"test={val}"])
    assert known(wanted) == {
        "v_Biking_g01_c01": ("2", "train"),
        "kick_CZE_1_": ("3", "train"),
        "v_Walk_g02_c03": ("9", "test"),
    }
    assert [wanted.explain(entry) for entry in wanted.unmatched] == [
        f"{TA3N}/v_Walk_g2_c4: did you mean v_Walk_g02_c04?"
    ]
    assert "split train, by the list's name" in wanted.notes[0]


@pytest.mark.parametrize(
    ("name", "line", "split"),
    [
        ("trainlist01.txt", f"{NAMES[0]} 1", "train"),
        ("ucf101_val_split_1_videos.txt", f"{NAMES[0]} 1", "val"),
        ("train_and_test.txt", f"{NAMES[0]} 1", ""),
        ("videos.csv", f"path,label,split\n{NAMES[0]},1,val", "val"),
    ],
)
def test_split_of_a_list(
    source: FeatureSource, tmp_path: Path, name: str, line: str, split: str
) -> None:
    path = write_list(tmp_path / name, [line])
    assert known(choose_videos(source, [str(path)])) == {NAMES[0]: ("1", split)}
    given = choose_videos(source, [f"test={path}"])
    assert known(given) == {NAMES[0]: ("1", "test")}


def test_videos_in_no_list_are_left_out(source: FeatureSource, tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.txt", [f"{NAMES[0]} 1", f"{NAMES[0]} 1"])
    wanted = choose_videos(source, [str(path)], unlabelled=True)
    assert known(wanted) == {NAMES[0]: ("", "")}
    assert wanted.notes[-1] == "2 of 3 videos are in no list and are left out"


def test_one_count_of_classes_for_all_lists(source: FeatureSource, tmp_path: Path) -> None:
    classes = write_list(tmp_path / "classes", ["0 climb", "1 golf", "2 walk"])
    lists = [
        str(write_list(tmp_path / "train.txt", [f"{NAMES[0]} 1", f"{NAMES[1]} 3"])),
        str(write_list(tmp_path / "val.txt", [f"{NAMES[2]} 1"])),
    ]
    with pytest.raises(InputError, match="train.txt line 2: .* add --classes-from 1$"):
        choose_videos(source, lists, classes=classes)
    wanted = choose_videos(source, lists, classes=classes, classes_from=1)
    labels = {name: label for name, (label, _) in known(wanted).items()}
    assert labels == {NAMES[0]: "climb", NAMES[1]: "walk", NAMES[2]: "climb"}


def test_lists_that_disagree(source: FeatureSource, tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.txt", [f"{NAMES[0]} 1"])
    with pytest.raises(InputError, match="list.txt line 1 gives .* 'test', but .* 'train'"):
        choose_videos(source, [f"train={path}", f"test={path}"])


@pytest.mark.parametrize("option", [{"form": "foo"}, {"classes": Path("no")}, {"classes_from": 0}])
def test_what_is_for_lists_needs_one(source: FeatureSource, option: dict) -> None:
    with pytest.raises(InputError, match="are for a --list: give one"):
        choose_videos(source, **option)


def test_lists_of_which_some_have_no_split(source: FeatureSource, tmp_path: Path) -> None:
    """Else the target would be tested on its training videos, without a word."""
    train = write_list(tmp_path / "my_train.txt", [f"{NAMES[0]} 1"])
    held_out = write_list(tmp_path / "held_out.txt", [f"{NAMES[1]} 1"])
    with pytest.raises(
        InputError, match=r"held_out.txt gives its videos no split, .*train.txt does"
    ):
        choose_videos(source, [str(train), str(held_out)])
    wanted = choose_videos(source, [str(train), f"test={held_out}"])
    assert known(wanted) == {NAMES[0]: ("1", "train"), NAMES[1]: ("1", "test")}
    other = write_list(tmp_path / "rest.txt", [f"{NAMES[2]} 1"])
    assert len(choose_videos(source, [str(held_out), str(other)]).videos) == 2


def test_a_list_of_other_videos(source: FeatureSource, tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.txt", ["v_Bikin_g01_c01 1", "x 2"])
    with pytest.raises(InputError, match="none of the 2 videos .*did you mean v_Biking_g01_c01"):
        choose_videos(source, [str(path)])


def test_a_name_that_two_videos_have(from_folders: Callable[..., Wanted], tmp_path: Path) -> None:
    from_folders("rgb/a", "depth/a", "rgb/b")
    path = write_list(tmp_path / "list.txt", ["/x/a 1", "/x/b 1"])
    wanted = choose_videos(open_source("npy", tmp_path), [str(path)])
    assert known(wanted) == {"rgb/b": ("1", "")}
    assert wanted.explain(*wanted.unmatched) == "/x/a: is that depth/a or rgb/a?"


def test_a_video_has_the_label_of_its_own_class_alone(
    from_folders: Callable[..., Wanted], tmp_path: Path
) -> None:
    from_folders("run/001", "run/002")
    lines = [f"{folder}/001.mp4 {folder}" for folder in ("walk", "jump")]
    path = write_list(tmp_path / "list.txt", [*lines, "run/002.mp4 run"])
    wanted = choose_videos(open_source("npy", tmp_path), [str(path)])
    assert known(wanted) == {"run/002": ("run", "")}
    assert wanted.explain(wanted.unmatched[0]) == "walk/001.mp4: did you mean run/001?"


def test_names_of_two_lists_that_mean_one_video(source: FeatureSource, tmp_path: Path) -> None:
    train = write_list(tmp_path / "train.txt", [f"{NAMES[0]} 9 1", "a/kick_CZE_1 9 1"])
    val = write_list(tmp_path / "val.txt", ["b/kick-CZE-1 9 1"])
    wanted = choose_videos(source, [str(train), str(val)])
    assert known(wanted) == {NAMES[0]: ("1", "train")}
    assert len(wanted.unmatched) == 2


def test_labels_of_folders(from_folders: Callable[..., Wanted]) -> None:
    assert known(from_folders("jump/a", "run/b")) == {"jump/a": ("jump", ""), "run/b": ("run", "")}
    assert known(from_folders(unlabelled=True)) == {"jump/a": ("", ""), "run/b": ("", "")}


def test_a_folder_that_all_are_in_is_no_class(from_folders: Callable[..., Wanted]) -> None:
    wanted = from_folders("RGB-feature/a", "RGB-feature/b")
    assert known(wanted) == {"RGB-feature/a": ("", ""), "RGB-feature/b": ("", "")}


def test_splits_of_folders(from_folders: Callable[..., Wanted]) -> None:
    wanted = from_folders("train/jump/a", "test/jump/b")
    assert known(wanted) == {"train/jump/a": ("jump", "train"), "test/jump/b": ("jump", "test")}


def test_other_trees_are_unlabelled(from_folders: Callable[..., Wanted]) -> None:
    assert set(known(from_folders("jump/a", "b", "x/y/z/c")).values()) == {("", "")}
