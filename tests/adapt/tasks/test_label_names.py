"""Labels of two files that differ in how they are spelt alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from feature_files import CLASSES, write_domain
from prepared_runs import invented_record, prepare

from tcon.adapt.briefing import Briefing, brief
from tcon.adapt.commands import tasks
from tcon.adapt.config.grid import make_grid
from tcon.adapt.config.runs import make_runs
from tcon.adapt.data.cached_store import CachedStore
from tcon.adapt.grid import prepare as prepare_store
from tcon.adapt.opening import open_store
from tcon.adapt.run.data_record import DataRecord
from tcon.adapt.tasks.names import match_labels, plain_name
from tcon.adapt.tasks.task import near_labels, read_task, shared_classes
from tcon.cache.common.records import from_data, to_data
from tcon.cache.errors import InputError

SPELT = {
    "case": ("Run", "run"),
    "upper case": ("RUN", "run"),
    "underscore": ("high_jump", "high jump"),
    "hyphen": ("high-jump", "high_jump"),
    "Unicode's dashes": ("high\u2013jump", "high\u2011jump"),
    "runs of separators": ("high__jump", "high jump"),
    "padding": ("run", "run "),
    "a separator in front": ("run", "_run"),
    "tab": ("high jump", "high\tjump"),
    "no-break space": ("high jump", "high\u00a0jump"),
    "composed letters": ("caf\u00e9", "cafe\u0301"),
    "full width": ("run", "\uff52\uff55\uff4e"),
    "sharp s": ("Fu\u00dfball", "FUSSBALL"),
    "byte order mark": ("run", "\ufeffrun"),
    "zero width": ("run", "run\u200b"),
}


@pytest.mark.parametrize(("ours", "theirs"), SPELT.values(), ids=SPELT)
def test_a_class_is_matched_and_called_as_in_the_source(ours: str, theirs: str) -> None:
    task = shared_classes([ours, "sit"], [theirs, "sit"])
    assert task.classes == tuple(sorted([ours, "sit"]))
    assert task.classes[task.target[theirs]] == ours and theirs not in task.source
    assert shared_classes([ours, "sit"], [theirs, "sit"], exact=True).classes == ("sit",)


@pytest.mark.parametrize("others", [("walk", "wa lk"), ("1", "01"), ("_", "-"), ("run", "running")])
def test_other_names_stay_apart(others: tuple[str, str]) -> None:
    assert shared_classes([others[0], "sit"], [others[1], "sit"]).classes == ("sit",)


def test_classes_of_one_file_are_never_merged() -> None:
    assert shared_classes(["Run", "RUN", "sit"], ["run", "sit"]).classes == ("sit",)
    assert shared_classes(["run", "sit"], ["Run", "RUN", "sit"]).classes == ("sit",)
    both = shared_classes(["Run", "run"], ["run", "Run"])
    assert both.classes == ("Run", "run") and both.target == {"Run": 0, "run": 1}
    assert shared_classes(["Run", "run"], ["run"]).target == {"run": 0}
    assert match_labels({"golf": 0, "Golf": 0}, ["GOLF"]) == {"GOLF": "golf"}  # of one class
    assert plain_name("_-") == ""


def test_labels_of_a_task(tmp_path: Path) -> None:
    csv = tmp_path / "task.csv"
    csv.write_text("class,source_label,target_label\ngolf,GolfSwing,golf\nclimb,RopeClimbing,climb")
    task = read_task(csv)
    assert task.labels_in("source", ["golfswing", "CLIMB"])["golfswing"] == 0
    assert task.labels_in("source", ["golfswing", "CLIMB"])["CLIMB"] == 1
    assert task.labels_in("source", ["golfswing"], exact=True) == task.source


def briefing(folder: Path, source: list[str], target: list[str], **given: object) -> Briefing:
    """What is said of two files with these labels, one video each and more of the same."""
    names, files = (source, target), (folder / "s.h5", folder / "t.h5")
    folder.mkdir(exist_ok=True)
    for seed, (file, labels) in enumerate(zip(files, names, strict=True)):
        write_domain(file, videos=len(labels), labels=labels, splits=("train",), seed=seed)
    words = {"source": files[0], "target": files[1], "settings": ["train.precision=fp32"], **given}
    grid = make_grid({"methods": "source_only", "output": folder / "runs", "segments": 2, **words})
    prepared = prepare_store(open_store(grid, torch.device("cpu")), grid.runs, grid.output)
    return brief(prepared, ["cpu"])


def test_what_was_matched_and_left_out_is_said_with_how_many_videos(tmp_path: Path) -> None:
    said = briefing(
        tmp_path, ["Run", "sit", "dive", "dive"], ["run", "sit", "wave", "diving", "", "run"]
    )
    assert said.notes[0].startswith("shared classes: 2 classes; source 2 train")
    assert "The target's label 'run' (Run) is taken for a class of the task." in said.notes
    assert "Left out: 2 source videos of 1 label that is no class: dive (2 videos)." in said.notes
    assert (
        "Left out: 2 target videos of 2 labels that are no class: wave (1 video), diving (1 video)."
        in said.notes
    )
    assert [text for text in said.warnings if "dive" in text and "diving" in text]
    all_targets = ["train.target_pool=all", "train.precision=fp32"]
    pooled = briefing(
        tmp_path / "pooled", ["run", "sit"], ["run", "sit", "wave"], settings=all_targets
    )
    assert [text for text in pooled.notes if text.startswith("Adapted on, but of no class: 1")]


def test_a_task_that_fits_what_is_left_out_is_named(tmp_path: Path) -> None:
    said = briefing(tmp_path, ["Archery", "GolfSwing", "Fencing"], ["shoot_bow", "golf", "fencing"])
    assert any("2 labels that are left out are classes of --task ucf_h" in w for w in said.warnings)


def test_exact_labels(tmp_path: Path) -> None:
    said = briefing(tmp_path, ["Run", "sit"], ["run", "sit"], exact_labels=True)
    assert said.notes[0].startswith("shared classes: 1 class; source 1 train")
    assert "Left out: 1 source video of 1 label that is no class: Run (1 video)." in said.notes


def test_the_check_of_files_says_the_same(tmp_path: Path) -> None:
    briefing(tmp_path, ["Run", "sit", "dive"], ["run", "sit", "wave"])
    files = [str(tmp_path / "s.h5"), str(tmp_path / "t.h5")]
    result = CliRunner().invoke(tasks, ["--check", *files])
    assert "target: the label 'run' (Run) is taken for a class of the task." in result.output
    assert "source: 1 video of 1 other label is left out: dive (1 video)." in result.output
    exact = CliRunner().invoke(tasks, ["--check", *files, "--exact-labels"])
    assert "2 videos of 2 other labels are left out: Run (1 video), dive" in exact.output


def test_labels_that_come_later_are_matched_as_the_run_says() -> None:
    data = invented_record(make_runs(["source_only"])[0]).data
    values = to_data(data)
    values |= {"classes": ["run", "sit"]}
    values["target"]["labels"] = {"run": 0, "sit": 1}
    before = from_data(DataRecord, {k: v for k, v in values.items() if k != "exact_labels"})
    now = from_data(DataRecord, values | {"exact_labels": False})
    assert before.classes_of("target", {"Run", "sit"}) == {"sit": 1}
    assert now.classes_of("target", {"Run", "sit", "", "wave"}) == {"Run": 0, "sit": 1}


def test_a_run_of_exact_labels_is_not_gone_on_with_in_silence(tmp_path: Path) -> None:
    source = write_domain(tmp_path / "s.h5")
    other = [name.upper() if name == "run" else name for name in CLASSES] * 4
    target = write_domain(tmp_path / "t.h5", labels=other, seed=1)
    run = make_runs(["source_only"], ["train.precision=fp32"], segments=2)[0]
    exact = CachedStore(source, target, task=None, device=torch.device("cpu"), exact_labels=True)
    _, folder = prepare_store(exact, [run], tmp_path / "runs").runs[0]
    folder.begin()
    folder.resume.touch()
    with pytest.raises(InputError, match="go on with it by --exact-labels"):
        prepare(source, target, [run], tmp_path / "runs")


def test_a_number_is_near_no_other() -> None:
    assert near_labels(["0", "1", "runs"], ["01", "10", "run"]) == {"runs": "run"}
