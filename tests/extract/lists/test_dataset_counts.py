"""Full-size lists give the counts that the tasks are known to have, and labels by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from official_classes import HMDB_CLASSES, JESTER_GESTURES, UCF_CLASSES

from tcon.adapt.tasks.task import read_task
from tcon.extract.lists.datasets import LAYOUTS, olympic
from tcon.extract.lists.datasets.files import Files

Row = tuple[str, str, str]


def _read(name: str, texts: Mapping[str, Iterable[str]], root: Path, end: str = "\n") -> list[Row]:
    """What a layout takes of full lists: (name, label, split)."""
    for path, lines in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes("".join(line + end for line in lines).encode())
    entries = LAYOUTS[name].entries(Files((), root, tuple(texts)), 1)
    assert len({entry.name for entry in entries}) == len(entries)
    return [(entry.name, entry.label, entry.split) for entry in entries]


def _of_task(rows: Iterable[Row], index: Mapping[str, int], split: str) -> list[int]:
    """Videos of each class of a task."""
    counts = Counter(index[label] for _, label, s in rows if s == split and label in index)
    return [counts[n] for n in range(len(counts))]


# Training and test videos of each class; a class of UCF101 may be of several labels.
UCF12 = {
    "RockClimbingIndoor RopeClimbing": (188, 75),
    "Fencing": (77, 34),
    "GolfSwing": (100, 39),
    "SoccerPenalty": (96, 41),
    "PullUps": (72, 28),
    "BoxingPunchingBag BoxingSpeedBag Punch": (332, 125),
    "PushUps": (72, 30),
    "Biking": (96, 38),
    "HorseRiding": (115, 49),
    "Basketball": (99, 35),
    "Archery": (104, 41),
    "WalkingWithDog": (87, 36),
}
UCF6 = {
    "Basketball": (99, 35),
    "CleanAndJerk": (79, 33),
    "ThrowDiscus": (92, 38),
    "Diving": (105, 45),
    "PoleVault": (109, 40),
    "TennisSwing": (117, 49),
}
UCF_TOTALS = (9537, 3783)


def _ucf_lists(counts: Mapping[str, tuple[int, int]]) -> dict[str, list[str]]:
    """Lists of these classes, their labels alternating, and of one more that makes UCF101 full."""
    rest = tuple(t - sum(c[n] for c in counts.values()) for n, t in enumerate(UCF_TOTALS))
    lists: dict[str, list[str]] = {}
    for part, groups in (("train", range(8, 26)), ("test", range(1, 8))):
        names = lists[f"ucfTrainTestlist/{part}list01.txt"] = []
        for classes, count in {**counts, "YoYo": rest}.items():
            labels = classes.split()
            for n in range(count[part == "test"]):
                label, group = labels[n % len(labels)], groups[n % len(groups)]
                names.append(
                    f"{label}/v_{label}_g{group:02d}_c{n:04d}.avi" + " 1" * (part == "train")
                )
    return lists


@pytest.mark.slow
def test_counts_of_ucf101_and_hmdb51(tmp_path: Path) -> None:
    ucf = _read("ucf101", _ucf_lists(UCF12), tmp_path / "ucf", "\r\n")
    assert Counter(split for *_, split in ucf) == {"train": UCF_TOTALS[0], "test": UCF_TOTALS[1]}
    every = read_task("hmdb_ucf_all_H2U")
    classes = sorted(every.source)
    lists = {
        f"testTrainMulti_7030_splits/{label}_test_split1.txt": [
            f"{label}_{n}.avi {'1' if n < 70 else '2' if n < 100 else '0'} "
            # 6,766 videos: 1,666 that the split does not use
            for n in range(100 + 1666 // 51 + (k < 1666 % 51))
        ]
        for k, label in enumerate(classes)
    }
    assert (len(lists), sum(map(len, lists.values()))) == (51, 6766)
    hmdb = _read("hmdb51", lists, tmp_path / "hmdb")
    assert Counter(split for *_, split in hmdb) == {"train": 3570, "test": 1530}
    assert _of_task(hmdb, every.source, "train") == [70] * 51
    task = read_task("ucf_hmdb_2_U2H")
    for split, n in (("train", 0), ("test", 1)):
        assert _of_task(ucf, task.source, split) == [count[n] for count in UCF12.values()]
        assert _of_task(hmdb, task.target, split) == [(70, 30)[n]] * 12
    in_task = [r for r in ucf if r[1] in task.source] + [r for r in hmdb if r[1] in task.target]
    assert Counter(split for *_, split in in_task) == {"train": 1438 + 840, "test": 571 + 360}
    small = read_task("ucf_hmdb_small_U2H")
    assert sum(_of_task(ucf, small.source, "train")) == 482
    assert sum(_of_task(ucf, small.source, "test")) == 189


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ucf101", "ucf50"])
def test_counts_of_ucf50_and_olympic(tmp_path: Path, name: str) -> None:
    """The groups of UCF50 give the split of UCF101."""
    lists = _ucf_lists(UCF6)
    if name == "ucf101":
        ucf = _read(name, lists, tmp_path)
    else:
        videos = tuple(line.split()[0] for names in lists.values() for line in names)
        entries = LAYOUTS[name].entries(Files(videos, tmp_path, ()), 1)
        ucf = [(entry.name, entry.label, entry.split) for entry in entries]
    task = read_task("ucf50_olympic_U2O")
    for split, n in (("train", 0), ("test", 1)):
        assert _of_task(ucf, task.source, split) == [count[n] for count in UCF6.values()]
    words = ("basketball layup", "clean and jerk", "discus throw", "springboard 3m", "pole vault")
    olympic = {
        f"{part}/{name}.txt": [f"{name[:3]}{n}_{part}" for n in range(count)]
        for part, counts in (("train", [42, 42, 42, 42, 41, 41, 399]), ("test", [9] * 6 + [80]))
        for name, count in zip((*words, "tennis serve", "platform 10m"), counts, strict=True)
    }
    rows = _read("olympic", olympic, tmp_path / "olympic")
    assert Counter(split for *_, split in rows) == {"train": 649, "test": 134}
    assert sum(_of_task(rows, task.target, "train")) == 250
    assert sum(_of_task(rows, task.target, "test")) == 54


@pytest.mark.slow
def test_counts_of_jester(tmp_path: Path) -> None:
    task = read_task("jester_S2T")
    source = [8648, 4132, 8498, 8246, 4373, 3398, 8604]
    target = [8590, 4032, 8567, 8479, 4390, 3216, 8553]
    target_val = [1045, 493, 1053, 1028, 536, 385, 1048]
    lists = {"jester-v1-train.csv": [], "jester-v1-validation.csv": []}
    for file, index, counts in (
        ("jester-v1-train.csv", task.source, source),
        ("jester-v1-train.csv", task.target, target),
        ("jester-v1-validation.csv", task.target, target_val),
        ("jester-v1-validation.csv", task.source, [5599, 0, 0, 0, 0, 0, 0]),
        ("jester-v1-train.csv", {"Stop Sign": 0}, [118562 - sum(source) - sum(target)]),
        ("jester-v1-validation.csv", {"No gesture": 0}, [14787 - sum(target_val) - 5599]),
    ):
        for k, count in enumerate(counts):
            labels = [label for label, n in index.items() if n == k]
            first = sum(map(len, lists.values()))
            lists[file] += [f"{first + n};{labels[n % len(labels)]}" for n in range(count)]
    rows = _read("jester", lists, tmp_path)
    assert Counter(split for *_, split in rows) == {"train": 118562, "val": 14787}
    assert _of_task(rows, task.source, "train") == source
    assert _of_task(rows, task.target, "train") == target
    assert _of_task(rows, task.target, "val") == target_val
    assert (sum(source), sum(target), sum(target_val)) == (45899, 45827, 5588)


@pytest.mark.parametrize(
    ("task", "source", "target"),
    [
        ("ucf_hmdb_2_U2H", UCF_CLASSES, HMDB_CLASSES),
        ("ucf_hmdb_2_H2U", HMDB_CLASSES, UCF_CLASSES),
        ("ucf_hmdb_small_U2H", UCF_CLASSES, HMDB_CLASSES),
        ("hmdb_ucf_all_H2U", HMDB_CLASSES, UCF_CLASSES),
        ("ucf50_olympic_U2O", UCF_CLASSES, set(olympic.CLASSES)),
        ("ucf50_olympic_O2U", set(olympic.CLASSES), UCF_CLASSES),
        ("jester_S2T", JESTER_GESTURES, JESTER_GESTURES),
    ],
)
def test_tasks_use_official_class_names(task: str, source: set[str], target: set[str]) -> None:
    assert (len(UCF_CLASSES), len(HMDB_CLASSES), len(JESTER_GESTURES)) == (101, 51, 27)
    assert read_task(task).source.keys() <= source
    assert read_task(task).target.keys() <= target
