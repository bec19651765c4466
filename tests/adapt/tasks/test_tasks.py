"""The tasks that ship, their known counts, and feature files compared with them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from feature_files import write_domain
from fuzz import damaged_text, ends_well
from hypothesis import given

from tcon.adapt.run.finished import Runs
from tcon.adapt.tasks.counts import DomainCount, Side, count_domain, known_count, known_total
from tcon.adapt.tasks.task import read_task, shipped_tasks
from tcon.cache import InputError, Video
from tcon.cli import main

ROOT = Path(__file__).parents[3]
COUNTS = list(csv.DictReader((ROOT / "adapt" / "tasks" / "video_counts.csv").open()))
U2H = "ucf_hmdb_2_U2H"
Change = Callable[[Video], Video | None]

# Training and held-out videos as published: TA3N, CoMix, the official lists, MM-SADA.
SIZES = {
    "ucf_hmdb_2_U2H": ((1438, 571), (840, 360)),
    "ucf_hmdb_2_H2U": ((840, 360), (1438, 571)),
    "ucf_hmdb_small_U2H": ((482, 189), (350, 150)),
    "hmdb_ucf_all_H2U": ((3570, 1530), (1438, 571)),
    "ucf50_olympic_U2O": ((601, 240), (250, 54)),
    "ucf50_olympic_O2U": ((250, 54), (601, 240)),
    "jester_S2T": ((45899, 5599), (45827, 5588)),
    "epic_D1_D2": ((1543, 435), (2495, 750)),
    "epic_D3_D1": ((3897, 974), (1543, 435)),
}
# data/classInd_hmdb_ucf.txt of TA3N, for UCF101 and HMDB51 alike.
TA3N = (
    *("climb", "fencing", "golf", "kick_ball", "pullup", "punch", "pushup", "ride_bike"),
    *("ride_horse", "shoot_ball", "shoot_bow", "walk"),
)
# Per class, in the order of the classes.
PER_CLASS = {
    (U2H, "source"): "188/75 77/34 100/39 96/41 72/28 332/125 72/30 96/38 115/49 99/35 104/41 "
    "87/36",
    (U2H, "target"): " ".join(["70/30"] * 12),
    ("ucf50_olympic_U2O", "source"): "99/35 79/33 92/38 105/45 109/40 117/49",
    ("jester_S2T", "source"): "8648/1069 4132/521 8498/1035 8246/980 4373/539 3398/399 8604/1056",
    ("jester_S2T", "target"): "8590/1045 4032/493 8567/1053 8479/1028 4390/536 3216/385 8553/1048",
}


def rows_of(task: str) -> list[dict[str, str]]:
    rows = csv.DictReader((ROOT / "adapt" / "tasks" / "shipped" / f"{task}.csv").open())
    return [row for row in rows if int(row["class_index"]) >= 0]


def add_up(dataset: str, labels: str) -> str:
    """``train/held out`` of labels, from the csv alone."""
    rows = [r for r in COUNTS if r["dataset"] == dataset and r["label"] in labels.split("|")]
    held_out = sum(int(row["val"] or row["test"]) for row in rows)
    return f"{sum(int(row['train']) for row in rows)}/{held_out}"


@pytest.mark.parametrize("name", SIZES)
def test_sizes_of_the_benchmarks(name: str) -> None:
    task = read_task(name)
    known = [known_total(task, side) for side in ("source", "target")]
    assert tuple(tuple(each.videos.values()) for each in known) == SIZES[name]


@pytest.mark.parametrize(("name", "side"), PER_CLASS)
def test_counts_of_each_class(name: str, side: Side) -> None:
    rows = rows_of(name)
    cells = [(row[f"{side}_dataset"], row[f"{side}_label"]) for row in rows]
    assert " ".join(add_up(*cell) for cell in cells) == PER_CLASS[name, side]
    known = [known_count(dataset, labels.split("|")) for dataset, labels in cells]
    assert ["/".join(map(str, k.videos.values())) for k in known] == PER_CLASS[name, side].split()


def test_every_label_is_one_of_its_dataset() -> None:
    official: dict[str, set[str]] = {}
    for row in COUNTS:
        official.setdefault(row["dataset"], set()).update(row["label"].split("|"))
    assert {name: len(labels) for name, labels in official.items() if len(labels) > 8} == {
        "UCF101": 101,
        "HMDB51": 51,
        "Jester": 27,
    }
    for name in shipped_tasks():
        task = read_task(name)
        assert set(task.source) <= official[task.source_dataset], name
        assert set(task.target) <= official[task.target_dataset], name
        assert task.status.startswith(("verified", "assumed", "guess")), name


def test_what_is_no_published_list_says_so() -> None:
    guess = read_task("hmdb_ucf_1_guess")
    assert guess.status.startswith("guess") and "guess" in guess.name
    assert len(guess.classes) == 12 and guess.classes != read_task("ucf_hmdb_2_H2U").classes
    olympic = read_task("ucf50_olympic_U2O")
    assert not any(known_total(olympic, side).verified for side in ("source", "target"))
    assert all(known_total(read_task(U2H), side).verified for side in ("source", "target"))


def videos_of(dataset: str) -> Iterator[Video]:
    """As many videos per label and split as the dataset has."""
    for row in COUNTS:
        for split in ("train", "val", "test"):
            for n in range(int(row[split] or 0) if row["dataset"] == dataset else 0):
                yield Video(f"{row['label']}/{split}{n}", row["label"], split, "", 9, 25.0)


def count(change: Change = lambda v: v, *, name: str = U2H, side: Side = "target") -> DomainCount:
    """Of a whole dataset, of which ``change`` alters or drops videos."""
    task = read_task(name)
    dataset = task.source_dataset if side == "source" else task.target_dataset
    return count_domain(task, side, [v for v in map(change, videos_of(dataset)) if v])


def differences(counts: DomainCount) -> dict[str, str]:
    return {c.name: c.difference for c in (*counts.classes, counts.total) if c.difference}


@pytest.mark.slow
def test_a_whole_dataset_differs_in_nothing() -> None:
    counts = count()
    assert not differences(counts) and not counts.differs and not counts.lost
    assert len(counts.others) == 39 and sum(counts.others.values()) == 3900
    jester = [count(name="jester_S2T", side=side) for side in ("source", "target")]
    assert not any(each.differs for each in jester)  # one file is both domains
    assert [each.total.found["val"] for each in jester] == [5599, 5588]


def test_missing_and_moved_videos() -> None:
    gone = {"golf/train1", "golf/train2", "walk/test0"}
    counts = count(lambda v: None if v.id in gone else v)
    assert differences(counts) == {
        "golf": "2 missing in train",
        "walk": "1 missing in test",
        "total": "2 missing in train, 1 missing in test",
    }
    moved = count(lambda v: replace(v, split="test") if v.id in gone else v)
    assert differences(moved)["golf"] == "2 moved from train to test" and moved.differs
    assert "walk" not in differences(moved)


def test_labels_that_are_misspelt_or_unknown() -> None:
    counts = count(lambda v: replace(v, label="shoot_bal") if v.label == "shoot_ball" else v)
    assert counts.lost == ("shoot_ball",) and counts.others["shoot_bal"] == 100
    assert differences(counts)["shoot_ball"] == "70 missing in train, 30 missing in test"


@pytest.mark.slow
def test_names_of_splits() -> None:
    counts = count(lambda v: replace(v, split="val") if v.split == "test" else v)
    assert not counts.differs and counts.remarks == ("val is taken for the benchmark's test",)
    without = count(lambda v: replace(v, split=""))
    assert not differences(without) and without.differs and "no splits" in without.remarks[0]
    held_out = count(lambda v: replace(v, split="val") if v.id == "golf/train0" else v)
    assert differences(held_out)["golf"] == "1 moved from train to val"


def test_an_unlabelled_target_is_compared_as_a_whole() -> None:
    labels = set(read_task(U2H).target)
    counts = count(lambda v: replace(v, label="") if v.label in labels else None)
    assert not counts.classes and counts.unlabelled == 1200 and not counts.differs
    assert count(lambda v: replace(v, label=""), side="source").differs


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("named", [str, lambda index: TA3N[index]], ids=["CoMix", "TA3N"])
def test_labels_of_the_tasks_own_lists(side: Side, named: Callable[[int], str]) -> None:
    """TA3N's classInd names the classes for both domains, CoMix numbers them."""
    labels = getattr(read_task(U2H), side)

    def rename(video: Video) -> Video | None:
        index = labels.get(video.label)
        return None if index is None else replace(video, label=named(index))

    counts = count(rename, side=side)
    assert not differences(counts) and not counts.differs and not counts.lost
    assert sum(counts.total.found.values()) == {"source": 2009, "target": 1200}[side]
    own = side == "target" and named is not str
    assert bool(counts.remarks) != own
    if not own:
        assert "are taken for the task's classes" in counts.remarks[0]


def test_unverified_numbers_are_shown_and_never_wrong() -> None:
    counts = count(
        lambda v: None if v.id == "Diving/train0" else v, name="ucf50_olympic_U2O", side="source"
    )
    assert differences(counts) == {"Diving": "1 missing in train", "total": "1 missing in train"}
    assert not counts.differs
    lost = count(lambda v: None if v.label == "Diving" else v, name="ucf50_olympic_O2U")
    assert lost.lost == ("Diving",) and lost.differs


def test_a_task_that_names_datasets(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    header = "class,source_label,target_label,source_dataset,target_dataset\n"
    path.write_text(f"{header}golf,golf,Golf,HMDB51,HMDB-51\nnone,nothing,x,HMDB51,HMDB-51\n")
    task, videos = read_task(path), list(videos_of("HMDB51"))[:-1]
    source, target = (count_domain(task, side, videos) for side in ("source", "target"))
    assert source.classes[0].known.videos == {"train": 70, "test": 30}
    assert source.lost == ("nothing",) and not source.remarks and source.total.known is None
    assert "did you mean HMDB51" in target.remarks[0]


def tcon(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["tasks", *map(str, words)])


def test_listing_and_showing() -> None:
    listing = tcon()
    assert listing.exit_code == 0
    assert all(name in listing.output for name in shipped_tasks())
    assert "1438/571" in listing.output and "250/54?" in listing.output
    shown = tcon("hmdb_ucf_1_guess")
    assert "Class list: guess" in shown.output and "dive, handstand, jump" in shown.output
    refused = tcon("ucf_hmdb_2_U2")
    assert refused.exit_code == 2 and "did you mean ucf_hmdb_2_U2H?" in refused.output


@pytest.mark.slow
def test_checking_files(tmp_path: Path) -> None:
    labels = [("golf", "dive")[n % 2] for n in range(12)]
    source = write_domain(tmp_path / "s.h5", labels=labels)
    own = tmp_path / "own.csv"
    own.write_text("class,source_label,target_label\na,golf,golf\nb,dive,diev\n")
    misspelt = tcon(own, "--check", source, source)
    assert misspelt.exit_code == 1
    assert "target: no video has the label diev: did you mean dive?" in misspelt.output
    assert "target: 6 videos of 1 other label are left out: dive (6 videos)." in misspelt.output
    own.write_text("class,source_label,target_label\na,golf,golf\nb,dive,dive\n")
    fine = tcon(own, "--check", source, source)
    assert fine.exit_code == 0 and "Nothing is missing" in fine.output
    other = write_domain(tmp_path / "t.h5", labels=["golf", "run"] * 6)
    shared = tcon("--check", source, other)
    assert shared.exit_code == 0 and "1 other label are left out: run (6 videos)." in shared.output
    none = write_domain(tmp_path / "n.h5", labels=["run"] * 12)
    assert tcon("--check", source, none).exit_code == 2


def test_files_without_a_task_are_told_which_fit(tmp_path: Path) -> None:
    task = read_task("ucf_hmdb_small_U2H")
    files = [
        write_domain(tmp_path / f"{n}.h5", videos=5, labels=list(labels))
        for n, labels in enumerate((task.source, task.target))
    ]
    checked = tcon("--check", *files)
    assert "The files have all labels of ucf_hmdb_small_U2H." in checked.output
    assert checked.exit_code == 2 and "share no class" in checked.output


def test_adapt_takes_the_tasks_own_names(tmp_path: Path) -> None:
    for name in ("s", "t"):
        write_domain(tmp_path / f"{name}.h5", videos=12, labels=list(TA3N), splits=("train",))
    words = ["--source", tmp_path / "s.h5", "--target", tmp_path / "t.h5", "-o", tmp_path / "runs"]
    options = ["--set", "train.epochs=1", "--set", "train.min_steps=1", "--method", "source_only"]
    result = CliRunner().invoke(main, ["adapt", *map(str, words), "--task", U2H, *options])
    assert result.exit_code == 0, result.output
    said = "The source's labels climb, fencing, golf, kick_ball, pullup"
    assert said in " ".join(result.output.split())
    data = Runs.open(tmp_path / "runs")[0].record.data
    assert [data.source.labels[name] for name in TA3N] == list(range(12))
    assert data.target.labels == {name: n for n, name in enumerate(TA3N)}


def test_adapt_says_what_is_uncertain(tmp_path: Path) -> None:
    guess = read_task("hmdb_ucf_1_guess")
    sides = {"s": sorted(guess.source), "t": sorted(guess.target)}
    for name, labels in sides.items():
        write_domain(tmp_path / f"{name}.h5", videos=len(labels), labels=labels, splits=("train",))
    options = ["--set", "train.epochs=1", "--set", "train.min_steps=1"]
    words = ["--source", tmp_path / "s.h5", "--target", tmp_path / "t.h5", "-o", tmp_path / "runs"]
    words += ["--task", "hmdb_ucf_1_guess", "--method", "source_only", "--seeds", 2, *options]
    result = CliRunner().invoke(main, ["adapt", *map(str, words)])
    assert result.exit_code == 0, result.output
    said = f"Classes of {guess.name}: {guess.status}."
    assert Counter(result.output.splitlines())[said] == 1
    config = next((tmp_path / "runs").rglob("config.json")).read_text()
    assert f'"task": "{guess.name}"' in config


TASK = """task,class,source_label,target_label,class_index,status,note
t,climb,RockClimbing|RopeClimbing,climb,1,verified,
t,"golf, swing",GolfSwing,golf,0,assumed,one
t,cook,Cooking,,-1,,
"""


@given(content=damaged_text(TASK.encode()))
def test_damaged_task(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "task.csv").write_bytes(content)
    with ends_well():
        task = read_task(tmp_path / "task.csv")
        assert task.name and all(task.classes)
        for side in (task.source, task.target):
            assert "" not in side and set(side.values()) <= set(range(len(task.classes)))


def test_a_class_has_a_name(tmp_path: Path) -> None:
    path = tmp_path / "task.csv"
    path.write_text("class,source_label,target_label,class_index\ngolf,a,b,0\n,c,,-1\n")
    assert read_task(path).classes == ("golf",)  # labels that are no class need none
    path.write_text("class,source_label,target_label\ngolf,a,b\n ,c,d\n")
    with pytest.raises(InputError, match="the row of the label 'c' has no class"):
        read_task(path)


def test_a_folder_called_like_a_task_hides_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ucf_hmdb_2_U2H", "ucf_hmdb_2_U2"):
        Path(name).mkdir()
    assert read_task("ucf_hmdb_2_U2H").name == "(UCF101->HMDB51)_2"
    with pytest.raises(InputError, match="no task 'ucf_hmdb_2_U2': did you mean"):
        read_task("ucf_hmdb_2_U2")
