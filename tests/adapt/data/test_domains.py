"""Which videos train, validate and test; how segments are formed; tasks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from feature_files import CLASSES, write_domain

from tcon.adapt.data.domains import Domains, Videos, load_domains
from tcon.adapt.tasks.task import Task, read_task, shared_classes
from tcon.cache import FeatureFile, InputError

CPU = torch.device("cpu")


def load(source: Path, target: Path, task: Task | None = None, **options: object) -> Domains:
    files = FeatureFile(source), FeatureFile(target)
    task = task or shared_classes(*((v.label for v in file.videos) for file in files))
    return load_domains(*files, modality="rgb", task=task, device=CPU, **options)


def videos(counts: list[int]) -> Videos:
    count = torch.tensor(counts)
    features = torch.arange(sum(counts), dtype=torch.float16)[:, None]
    ids = tuple(map(str, range(len(counts))))
    return Videos(ids, features, count.cumsum(0) - count, count, None)


def test_central_snippet_of_each_segment() -> None:
    got = videos([8, 4, 2]).segments(torch.tensor([0, 1, 2]), 4)[..., 0]
    # floor((j + 1/2) n / 4), from each video's own start
    assert got.tolist() == [[1, 3, 5, 7], [8, 9, 10, 11], [12, 12, 13, 13]]


@pytest.mark.parametrize("count", [1, 3, 7, 8, 32])
def test_random_snippets_stay_inside_their_segment(count: int) -> None:
    some, segments = videos([5, count]), 5
    generator = torch.Generator().manual_seed(0)
    seen: list[set[int]] = [set() for _ in range(segments)]
    for _ in range(300):
        position = torch.rand(1, segments, generator=generator)
        row = some.segments(torch.tensor([1]), segments, position)[0, :, 0].long() - 5
        for j, snippet in enumerate(row.tolist()):
            seen[j].add(snippet)
    for j in range(segments):  # every snippet that the segment touches, and no other
        first, end = j * count / segments, (j + 1) * count / segments
        assert seen[j] == {n for n in range(count) if n + 1 > first + 1e-9 and n < end - 1e-9}


def test_position_just_below_one_stays_in_the_video() -> None:
    almost = torch.full((1, 3), 1 - 2**-24)
    assert videos([3]).segments(torch.tensor([0]), 3, almost)[0, :, 0].tolist() == [0, 1, 2]


def test_splits(tmp_path: Path) -> None:
    source = write_domain(tmp_path / "s.h5", videos=18, splits=("train", "val", "test"))
    target = write_domain(tmp_path / "t.h5", videos=12)
    domains = load(source, target)
    assert len(domains.source_train) == 6 and len(domains.source_val) == 6
    assert len(domains.target_train) == 9 and len(domains.target_test) == 3
    assert domains.protocol == "inductive"
    groups = (domains.source_train, domains.source_val)
    assert not set(groups[0].ids) & set(groups[1].ids)


def test_without_splits_the_whole_target_is_adapted_on_and_tested(tmp_path: Path) -> None:
    source = write_domain(tmp_path / "s.h5", splits=("",))
    target = write_domain(tmp_path / "t.h5", splits=("",))
    domains = load(source, target)
    assert len(domains.source_train) == 12 and domains.source_val is None
    assert domains.target_train.ids == domains.target_test.ids
    assert domains.protocol == "transductive"


def test_target_test_falls_back_to_val(tmp_path: Path) -> None:
    source = write_domain(tmp_path / "s.h5")
    target = write_domain(tmp_path / "t.h5", splits=("train", "val"))
    domains = load(source, target)
    assert domains.protocol == "inductive" and len(domains.target_test) == 6


def test_target_labels_are_nowhere_in_what_training_gets(tmp_path: Path) -> None:
    domains = load(write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5"))
    for field in dataclasses.fields(Domains):
        value = getattr(domains, field.name)
        if isinstance(value, Videos):
            assert (value.labels is None) == field.name.startswith("target")


def test_target_videos_of_other_classes_are_left_out_and_unlabelled_ones_stay(
    tmp_path: Path,
) -> None:
    labels = ["jump", "swim", ""] * 4
    target = write_domain(tmp_path / "t.h5", splits=("train",), labels=labels)
    domains = load(write_domain(tmp_path / "s.h5"), target)
    assert domains.task.classes == ("jump",)
    assert len(domains.target_train) == 8
    assert set(domains.source_train.labels.tolist()) == {0}


@pytest.mark.parametrize(
    ("change", "named"),
    [({"dim": 13}, "dim"), ({"backbone": "other"}, "backbone"), ({"layer": "fc6"}, "layer")],
)
def test_features_that_cannot_be_compared_are_refused(
    tmp_path: Path, change: dict[str, object], named: str
) -> None:
    source = write_domain(tmp_path / "s.h5")
    with pytest.raises(InputError, match=f"differ in {named}"):
        load(source, write_domain(tmp_path / "t.h5", **change))


def test_no_shared_class_is_refused(tmp_path: Path) -> None:
    target = write_domain(tmp_path / "t.h5", labels=["swim"] * 12)
    with pytest.raises(InputError, match="share no class .*jump, run, sit.*swim.*--task"):
        load(write_domain(tmp_path / "s.h5"), target)


def test_unlabelled_source_is_refused(tmp_path: Path) -> None:
    source = write_domain(tmp_path / "s.h5", labels=[""] * 12)
    with pytest.raises(InputError, match="source file holds no labels"):
        load(source, write_domain(tmp_path / "t.h5"))


def test_unlabelled_target_takes_all_source_classes() -> None:
    assert shared_classes(["b", "a"], ["", ""]).classes == ("a", "b")


TASK = """task,class,source_label,target_label,class_index,status,note
toy,move,run|walk,go,1,,
toy,jump,jump,hop|leap,0,,"only, a note"
toy,rest,sit,,2,,source only
"""


def test_task_file(tmp_path: Path) -> None:
    path = tmp_path / "toy.csv"
    path.write_text(TASK)
    task = read_task(path)
    assert task.name == "toy" and task.classes == ("jump", "move", "rest")
    assert task.source == {"run": 1, "walk": 1, "jump": 0, "sit": 2}
    assert task.target == {"go": 1, "hop": 0, "leap": 0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class,source_label\na,a\n", "lacks the columns target_label"),
        ("", "lacks the columns class, source_label, target_label"),
        ("class,source_label,target_label\na,x,x\nb,x,y\n", "source_label x belongs to two"),
        ("class,source_label,target_label\na,x\n", "row 1 has not one cell per column"),
        ("class,source_label,target_label,class_index\na,x,x,one\n", "class_index one"),
        (f"class,source_label,target_label,class_index\na,x,x,{'9' * 5000}\n", "class_index 9+:"),
    ],
)
def test_wrong_task_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "toy.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_task(path)


def test_class_that_no_training_video_shows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("class,source_label,target_label\njump,jump,jump\nswim,swim,sit\n")
    files = write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5")
    with pytest.raises(InputError, match="no source training video shows swim"):
        load(*files, read_task(path))


def test_task_selects_and_merges_labels(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("class,source_label,target_label\nlegs,jump|run,jump|run\nseat,sit,sit\n")
    domains = load(
        write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5"), read_task(path)
    )
    by_id = dict(zip(domains.source_train.ids, domains.source_train.labels.tolist(), strict=True))
    expected = {0: 0, 1: 0, 2: 1}
    assert all(by_id[id_] == expected[int(id_[1:4]) % len(CLASSES)] for id_ in by_id)


def test_validation_of_an_unsplit_source(tmp_path: Path) -> None:
    labels = ["jump"] * 20 + ["run"] * 5 + ["sit"]
    source = write_domain(tmp_path / "s.h5", videos=26, splits=("train",), labels=labels)
    target = write_domain(tmp_path / "t.h5", splits=("train", "train", "test"))
    domains = load(source, target, holdout=0.1)
    train, val = domains.source_train, domains.source_val
    assert val is not None and not set(train.ids) & set(val.ids)
    assert torch.bincount(val.labels, minlength=3).tolist() == [2, 1, 0]  # one video stays
    assert torch.bincount(train.labels).tolist() == [18, 4, 1]
    assert load(source, target, holdout=0.1).source_val.ids == val.ids
    assert load(source, target, holdout=0.0).source_val is None
    split = write_domain(tmp_path / "split.h5", videos=18, splits=("train", "val", "test"))
    assert len(load(split, target, holdout=0.1).source_train) == 6  # its own split is enough


TASK_ALL = """class,source_label,target_label,class_index
jump,jump,jump,0
run,run,,1
sit,sit,,2
__target_only__,,walk,-1
"""


@pytest.mark.parametrize(("pool", "adapted"), [("task", 4), ("all", 6)])
def test_more_classes_than_the_target_is_tested_on(tmp_path: Path, pool: str, adapted: int) -> None:
    """As HMDB51 to UCF101 with 51 outputs and 12 tested classes."""
    path = tmp_path / "all.csv"
    path.write_text(TASK_ALL)
    source = write_domain(tmp_path / "s.h5")
    labels = ["jump", "walk"] * 6
    target = write_domain(tmp_path / "t.h5", labels=labels, splits=("train", "test"))
    domains = load(source, target, read_task(path), pool=pool)
    assert domains.task.classes == ("jump", "run", "sit")
    assert len(domains.target_train) == adapted and domains.target_train.labels is None
    assert {int(id_[1:4]) % 2 for id_ in domains.target_test.ids} == {0}  # jump alone is tested
    assert domains.protocol == "inductive"


def test_the_shipped_task_of_51_and_12_classes() -> None:
    task = read_task("hmdb_ucf_all_H2U")
    assert len(task.classes) == 51 and len(set(task.target.values())) == 12
    assert sorted(task.source.values()) == list(range(51))
    with pytest.raises(InputError, match="no task 'jester_S2S': did you mean jester_S2T"):
        read_task("jester_S2S")


def test_misspelt_labels_are_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("class,source_label,target_label\na,jmup,jump\nb,run,rnu\nc,sit,swim\n")
    files = write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5")
    task = read_task(path)
    with pytest.raises(
        InputError, match=r"shows a \(no video has the label jmup: did you mean jump"
    ):
        load(*files, task)
    assert "rnu: did you mean run?" in task.misspelt_target_labels(CLASSES)
    assert "swim" not in task.misspelt_target_labels(CLASSES)  # a class the target lacks
    assert task.misspelt_target_labels({""}) == ""
