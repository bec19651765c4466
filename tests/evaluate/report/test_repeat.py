"""The commands of a report make the same runs again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from feature_files import recipe, write_domain
from toy_runs import train

from tcon.adapt.config.runs import RunConfig, make_runs
from tcon.adapt.inference.rebuild import run_config
from tcon.adapt.tasks.task import read_task
from tcon.cache.recipe import Sampling, Views
from tcon.cli import main
from tcon.evaluate.report.repeat import (
    adapt_commands,
    commands_like,
    extract_command,
    task_csv,
    wrapped,
)
from tcon.evaluate.runs.groups import Group


def runs_of(command: str) -> tuple[dict[str, object], list[object]]:
    """The options of a ``tcon adapt`` as the command line reads them, and the runs it makes."""
    program, name, *words = shlex.split(command)
    assert (program, name) == ("tcon", "adapt")
    options = main.get_command(None, "adapt").make_context("adapt", words).params
    runs = make_runs(
        options["methods"].split(",") if isinstance(options["methods"], str) else [],
        options["settings"],
        modality=options["modality"] or "rgb",
        segments=options["segments"],
        seeds=options["seeds"],
        preset=options["preset"] or "matched",
        end_to_end=bool(options["end_to_end"]),
    )
    return options, runs


@pytest.mark.parametrize("segments", [4, 3])
def test_the_command_makes_the_same_runs(tmp_path: Path, segments: int) -> None:
    settings = ["tcon.pair.rule=topk", "tcon.pseudo.threshold=0.75", "train.normalise=none"]
    groups = train(tmp_path, segments=segments, seeds=2, settings=settings)
    (command,) = adapt_commands(groups)
    options, runs = runs_of(command)
    made = {run.path.name: run_config(run.config) for group in groups for run in group.runs}
    assert {run.name: run for run in runs} == made
    assert str(options["output"]) == str(tmp_path / "runs")
    assert options["source"] == tmp_path / "clips.h5" and options["task"] is None


@pytest.mark.parametrize(
    "settings",
    [
        ["e2e.backbone=efficientnet_lite0", "tcon.dropout=0.3", "train.lr=0.01"],
        ["e2e.weights=random", "e2e.flip=false", "e2e.micro_batch=4"],
        ["e2e.weights=random", "e2e.batch_norm=frozen"],
        ["e2e.backbone=c3d", "e2e.weights=my net.pth", "e2e.backbone_lr=0.5"],
        ["e2e.backbone=c3d", "train.optimiser=adam"],
    ],
)
def test_end_to_end_the_command_makes_the_same_runs(tmp_path: Path, settings: list[str]) -> None:
    """Whatever the mode's own defaults, which depend on backbone, weights and modality."""
    (group,) = train(tmp_path, methods=["tcon"])
    made = make_runs(["tcon"], settings, modality="rgb,flow", segments=3, seeds=2, end_to_end=True)
    groups = [as_if(group, [run for run in made if run.modality == m]) for m in ("rgb", "flow")]
    (command,) = adapt_commands(groups)
    options, runs = runs_of(command)
    assert options["end_to_end"] and runs == made


def as_if(group: Group, runs: Sequence[RunConfig]) -> Group:
    """The group with the options of other runs, as they are stored."""
    stored = [json.loads(json.dumps(asdict(run))) | {"data": group.first.data} for run in runs]
    return replace(group, runs=tuple(replace(group.first, config=c) for c in stored))


def test_commands_like_runs_that_are_there(tmp_path: Path) -> None:
    settings = ["train.lr=0.01", "tcon.tau=2"]
    (rgb,) = train(tmp_path, methods=["tcon"], settings=settings, seeds=2)
    commands = commands_like([("tcon", "flow"), ("dann", "rgb"), ("dann", "flow")], [rgb])
    runs = [run for command in commands for run in runs_of(command)[1]]
    assert sorted({run.name.rpartition("_")[0] for run in runs}) == [
        *("dann_flow_k4", "dann_rgb_k4", "tcon_flow_k4"),
    ]
    trained = run_config(rgb.first.config)
    assert len(runs) == 6 and all(run.train == trained.train for run in runs)
    assert all(run.options == trained.options for run in runs if run.method == "tcon")
    # Of two feature files the one that runs of that modality were made with.
    data = {**rgb.first.data, "source": "f.h5"}
    flow = replace(rgb, runs=(replace(rgb.first, config=rgb.first.config | {"modality": "flow"}),))
    flow = replace(flow, runs=(replace(flow.first, config=flow.first.config | {"data": data}),))
    (command,) = commands_like([("dann", "flow")], [rgb, flow])
    assert runs_of(command)[0]["source"] == Path("f.h5")
    # What end-to-end training refuses has no command.
    made = make_runs(["tcon"], ["e2e.weights=random"], end_to_end=True)
    (command,) = commands_like([("cmfglr", "rgb"), ("dann", "rgb")], [as_if(rgb, made)])
    assert runs_of(command)[1] == make_runs(["dann"], ["e2e.weights=random"], end_to_end=True)


def made_by(commands: list[str]) -> list[str]:
    """Names of the runs."""
    return [run.name for command in commands for run in runs_of(command)[1]]


def test_one_command_per_grid(tmp_path: Path) -> None:
    for segments in (2, 4):
        groups = train(tmp_path, modality="rgb,flow", segments=segments, seeds=2)
    (command,) = adapt_commands(groups)
    assert sorted(made_by([command])) == sorted(run.path.name for g in groups for run in g.runs)
    assert len(groups) == 8 and "--modality flow,rgb --segments 2,4 --seeds 2" in command
    # What is no full grid takes several, which make nothing else and nothing twice.
    groups = train(tmp_path, methods=["tcon"], segments=3)
    commands = adapt_commands(groups)
    assert len(commands) == 2
    assert sorted(made_by(commands)) == sorted(run.path.name for g in groups for run in g.runs)


def test_a_fitted_method_brings_what_it_starts_from(tmp_path: Path) -> None:
    settings = ["source_only.features=8", "cmfglr.features=8", "cmfglr.select=false"]
    groups = train(tmp_path, methods=["cmfglr"], settings=settings, preset="official")
    (command,) = adapt_commands(groups)
    made = {run.path.name: run_config(run.config) for group in groups for run in group.runs}
    assert {run.name: run for run in runs_of(command)[1]} == made
    assert sorted(made) == [
        "cmfglr_rgb_k4_official_seed0",
        "source_only_rgb_k4_cmfglr-official_seed0",
    ]


def test_a_wrapped_command_is_the_same_command(tmp_path: Path) -> None:
    command = shlex.join(
        ["tcon", "adapt", "--source", "a -b c.h5", *("--set", "train.lr=1") * 9, "-o", "x'y"]
    )
    text = wrapped(command)
    assert text.count("\n") == 3 and max(map(len, text.splitlines())) < 90
    assert shlex.split(text.replace("\\\n", "")) == shlex.split(command)


def test_settings_of_a_method_are_its_own(tmp_path: Path) -> None:
    """Groups that differ in the training options are not joined."""
    groups = train(tmp_path / "one", methods=["source_only"])
    groups += train(tmp_path / "two", methods=["source_only"], settings=["train.lr=0.01"])
    commands = adapt_commands(groups)
    assert ["train.lr=0.01" in command for command in commands] == [False, True]
    for command, group in zip(commands, groups, strict=True):
        assert [asdict(run) for run in runs_of(command)[1]] == [
            asdict(run_config(group.first.config))
        ]


def test_a_task_is_read_back(tmp_path: Path) -> None:
    csv = "class,source_label,target_label\nb,jump,jump|run\na,run,\nc,sit,sit\n"
    (tmp_path / "mine.csv").write_text(csv)
    (group,) = train(tmp_path, methods=["source_only"], task=tmp_path / "mine.csv")
    data = group.first.data
    (tmp_path / "mine.csv").unlink()
    (tmp_path / "again.csv").write_text(task_csv(data))
    task = read_task(tmp_path / "again.csv")
    assert (task.name, task.classes) == ("mine", ("b", "a", "c"))
    assert (task.source, task.target) == (data["source_map"], data["target_map"])
    assert "--task mine.csv" in adapt_commands([group])[0]


def test_a_task_that_ships_is_named(tmp_path: Path) -> None:
    shipped = read_task("ucf50_olympic_U2O")
    labels = [list(side)[n % 6] for side in (shipped.source, shipped.target) for n in range(18)]
    files = tmp_path / "s.h5", tmp_path / "t.h5"
    for path, own in zip(files, (labels[:18], labels[18:]), strict=True):
        write_domain(path, videos=18, labels=own)
    (group,) = train(tmp_path, methods=["source_only"], files=files, task="ucf50_olympic_U2O")
    assert "--task ucf50_olympic_U2O " in adapt_commands([group])[0]
    assert task_csv(group.first.data) == ""
    changed = {**group.first.data, "target_map": {"other": 0}}
    assert "UCF50->Olympic_Sports" in task_csv(changed)


def test_an_import() -> None:
    made = recipe(preprocessing=None, imported="t7", backbone="resnet101", weights="")
    words = shlex.split(extract_command("x.h5", {"rgb": made}))
    assert words == ["tcon", "import", "t7", "FEATURES", "-o", "x.h5", "--backbone", "resnet101"]


def test_extraction() -> None:
    made = {
        "flow": recipe(sampling=Sampling("stride", 8), views=Views("tencrop"), weights="net.pth"),
        "rgb": recipe(sampling=Sampling("stride", 8), views=Views("tencrop"), weights="random"),
    }
    words = shlex.split(extract_command("my file.h5", made))
    assert words[:6] == ["tcon", "extract", "VIDEOS", "-o", "my file.h5", "--modality"]
    options = main.get_command(None, "extract").make_context("extract", words[2:]).params
    assert (options["modality"], options["stride"], options["views"]) == ("flow,rgb", 8, "tencrop")
    assert (options["weights"], options["flow_weights"]) == ("random", "net.pth")
    table = shlex.split(extract_command("my file.h5", {}))  # of videos alone
    assert table[4:] == ["my file.h5", "--modality", "none"]
    published = extract_command("x.h5", {"rgb": recipe(weights="imagenet")})
    assert "weights" not in published and "--snippets 8" in published


def test_nothing_needs_a_task_where_classes_are_shared(tmp_path: Path) -> None:
    write_domain(tmp_path / "clips.h5")
    write_domain(tmp_path / "cctv.h5", videos=18, seed=1)
    (group,) = train(tmp_path, methods=["source_only"])
    assert task_csv(group.first.data) == "" and "--task" not in adapt_commands([group])[0]
