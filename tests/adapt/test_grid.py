"""Many runs in one go: which, on what data, what a failing one does, and sharing by processes."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import toy_methods as toy
from feature_files import write_domain
from prepared_runs import prepare

from tcon.adapt import runner
from tcon.adapt.config.runs import base_of, make_runs
from tcon.adapt.config.training import TrainConfig, parse_segments
from tcon.adapt.data import cached_store
from tcon.adapt.grid import Prepared, run_all
from tcon.adapt.run.folder import RunFolder
from tcon.cache import InputError

QUICK = [
    *("train.epochs=1", "train.min_steps=4", "train.batch_size=5", "train.evaluations=2"),
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", shift=0.5, seed=1)


def states(prepared: Prepared) -> list[tuple[str, str, str]]:
    """Run everything; how each run ended."""
    ended = []

    def on_state(folder: RunFolder, state: str, why: str) -> None:
        if state != "running":
            ended.append((folder.path.name, state, why))

    failures = run_all(prepared, on_state=on_state)
    assert failures == sum(state == "failed" for _, state, _ in ended)
    return ended


def test_every_combination_once_under_a_name_of_its_own() -> None:
    runs = make_runs(["source_only", "tcon"], modality="rgb,flow", segments="4,6:4,8:8", seeds=3)
    assert len(runs) == len({run.name for run in runs}) == 2 * 2 * 3 * 3
    names = [run.name for run in runs]
    assert names[:4] == [f"source_only_rgb_k4_seed{n}" for n in range(3)] + [
        "source_only_rgb_k6-4_seed0"
    ]
    assert names[-1] == "tcon_flow_k8_seed2"
    unequal = runs[3]
    assert (unequal.source_segments, unequal.target_segments) == (6, 4)


@pytest.mark.parametrize("text", ["0", "4,", "4:5:6", "a", "4;6", "-1"])
def test_wrong_segments(text: str) -> None:
    with pytest.raises(InputError, match="write it as 6, as 4,6,8 or"):
        parse_segments(text)


@pytest.mark.usefixtures("temporary_methods")
def test_preset_comes_before_settings() -> None:
    official = ("train.optimiser=sgd", "train.lr=0.03", "features=256", "dropout=0.5")
    toy.add("toy", toy.Equal, official=official)
    (run,) = make_runs(["toy"], ["train.lr=0.1", "toy.dropout=0.2"], preset="official")
    assert (run.train.optimiser, run.train.lr) == ("sgd", 0.1)
    assert (run.options.features, run.options.dropout) == (256, 0.2)
    assert run.preset == "official" and run.name == "toy_rgb_k6_official_seed0"
    (plain,) = make_runs(["toy"])
    assert plain.train == TrainConfig() and plain.name == "toy_rgb_k6_seed0"


@pytest.mark.usefixtures("temporary_methods")
def test_missing_preset_names_who_has_it() -> None:
    toy.add("toy", toy.Equal, odd=())
    with pytest.raises(InputError, match="source_only has no preset 'odd'.* toy has it"):
        make_runs(["toy", "source_only"], preset="odd")
    with pytest.raises(InputError, match="no preset 'oddd': did you mean odd"):
        make_runs(["source_only", "toy"], preset="oddd")
    with pytest.raises(InputError, match="no preset 'x': there are matched, official, odd$"):
        make_runs(["source_only", "toy"], preset="x")


def test_nesterov_needs_sgd() -> None:
    with pytest.raises(InputError, match="train.nesterov needs train.optimiser=sgd"):
        make_runs(["tcon"], ["train.nesterov=true"])


@pytest.mark.usefixtures("temporary_methods")
def test_fitted_method_brings_its_source_only(files: tuple[Path, Path], tmp_path: Path) -> None:
    toy.add("nearest", toy.Nearest)
    settings = [*QUICK, "source_only.features=8"]
    runs = make_runs(["nearest"], settings, segments="4,6:4", seeds=2)
    assert [run.method for run in runs] == ["source_only", "nearest"] * 4
    for base, run in zip(runs[::2], runs[1::2], strict=True):
        assert base_of(run, runs) == base and base.options.features == 8
    both = make_runs(["nearest", "source_only"], settings, segments="4,6:4", seeds=2)
    assert set(both) == set(runs)

    assert {state for _, state, _ in states(prepare(*files, runs, tmp_path / "runs"))} == {
        "finished"
    }
    folder = tmp_path / "runs" / "nearest_rgb_k4_seed0"
    records = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
    assert [record["step"] for record in records] == [1, 2]
    assert records[0]["videos"] == 9 and records[0]["noise"] != records[1]["noise"]
    with h5py.File(folder / "logits.h5") as h5:
        np.testing.assert_allclose(
            h5["target_test/logits"][1], 2 * h5["target_test/logits"][0], rtol=1e-5
        )
    other = (tmp_path / "runs" / "nearest_rgb_k4_seed1" / "metrics.jsonl").read_text()
    assert other != (folder / "metrics.jsonl").read_text()
    # The same again, bit for bit, though it draws random numbers as torch's own.
    again = prepare(*files, runs[:2], tmp_path / "again")
    run_all(again)
    metrics = (tmp_path / "again" / folder.name / "metrics.jsonl").read_text()
    assert metrics == (folder / "metrics.jsonl").read_text()


@pytest.mark.usefixtures("temporary_methods")
def test_a_fitted_run_records_what_it_starts_from(files: tuple[Path, Path], tmp_path: Path) -> None:
    toy.add("nearest", toy.Nearest)
    configs = []
    for dropout in (0.1, 0.2):
        runs = make_runs(["nearest"], [*QUICK, f"source_only.dropout={dropout}"], segments=4)
        prepared = prepare(*files, runs, tmp_path / str(dropout))
        base, fitted = (folder.record for _, folder in prepared.runs)
        assert fitted.base == base.run.options and base.base is None
        configs.append(fitted)
    assert configs[0] != configs[1]


@pytest.mark.usefixtures("temporary_methods")
def test_base_with_the_presets_training_is_another_run() -> None:
    toy.add("nearest", toy.Nearest, official=("train.lr=1",), own=("features=4",))
    base, run = make_runs(["nearest"], preset="official")
    assert base.name == "source_only_rgb_k6_nearest-official_seed0" and base.train == run.train
    base, run = make_runs(["nearest"], preset="own")
    assert base.name == "source_only_rgb_k6_seed0" and run.name == "nearest_rgb_k6_own_seed0"


@pytest.mark.usefixtures("temporary_methods")
def test_features_are_standardised_once_for_all_runs(
    monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path], tmp_path: Path
) -> None:
    seen = []
    original = cached_store.normalise
    monkeypatch.setattr(
        cached_store, "normalise", lambda d, how: seen.append(how) or original(d, how)
    )
    toy.add("plain", toy.Equal, plain=("train.normalise=none",))
    runs = make_runs(["source_only", "plain"], QUICK, segments=4, seeds=2)
    other = make_runs(["plain"], QUICK, segments=4, seeds=2, preset="plain")
    mixed = [runs[0], other[0], runs[1], other[1], *runs[2:]]
    run_all(prepare(*files, mixed, tmp_path / "runs"))
    assert seen == ["domain", "none"]


@pytest.mark.usefixtures("temporary_methods")
def test_failing_runs_do_not_stop_the_others(files: tuple[Path, Path], tmp_path: Path) -> None:
    toy.add("diverging", toy.Diverging)
    toy.add("hungry", toy.Hungry)
    methods = ["diverging", "hungry", "source_only"]
    runs = make_runs(methods, QUICK, segments="4:2")
    ended = states(prepare(*files, runs, tmp_path / "runs"))
    assert [state for _, state, _ in ended] == ["failed"] * 2 + ["finished"]
    assert "diverged before step 2" in ended[0][2] and "lower train.lr" in ended[0][2]
    assert "out of memory: lower train.batch_size" in ended[1][2]
    # Nothing of the diverged run binds the next try.
    milder = make_runs(["diverging"], [*QUICK, "train.lr=1e-5"], segments="4:2")
    prepare(*files, milder, tmp_path / "runs")


@pytest.mark.usefixtures("temporary_methods")
def test_runs_that_can_never_be_built_are_refused_at_once(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    toy.add("equal", toy.Equal)
    runs = make_runs(["source_only", "equal"], QUICK, segments="4:2")
    with pytest.raises(InputError, match=r"equal with segments=4:2: equal needs as many source"):
        prepare(*files, runs, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    with pytest.raises(InputError, match=r"trn with segments=1: .* 2 to 16 segments, not 1"):
        prepare(*files, make_runs(["trn"], QUICK, segments="1"), tmp_path / "runs")


def test_a_fault_of_ours_is_not_swallowed(
    monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path], tmp_path: Path
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(runner, "train", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        run_all(prepare(*files, make_runs(["source_only"], QUICK), tmp_path / "runs"))


@pytest.mark.usefixtures("temporary_methods")
def test_a_run_that_another_process_trains_is_left_to_it(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    toy.add("nearest", toy.Nearest)
    runs = make_runs(["source_only", "nearest"], QUICK, segments=4, seeds=2)
    prepared = prepare(*files, runs, tmp_path / "runs")
    with prepared.runs[0][1].lock() as mine:  # a lock is of an open file, not of a process
        assert mine
        ended = {name: state for name, state, _ in states(prepared)}
    assert ended == {
        "source_only_rgb_k4_seed0": "elsewhere",
        "source_only_rgb_k4_seed1": "finished",
        "nearest_rgb_k4_seed0": "elsewhere",  # what it starts from is not there yet
        "nearest_rgb_k4_seed1": "finished",
    }
    assert [state for _, state, _ in states(prepared)].count("finished") == 2
    assert {state for _, state, _ in states(prepared)} == {"finished before"}


@pytest.mark.usefixtures("temporary_methods")
def test_several_snippets_of_each_segment(files: tuple[Path, Path], tmp_path: Path) -> None:
    toy.add("observer", toy.Observer)
    toy.Observer.seen.clear()
    runs = make_runs(["observer"], QUICK, segments="3:2")
    prepared = prepare(*files, runs, tmp_path / "runs")
    run_all(prepared)
    assert set(toy.Observer.seen) == {(torch.Size([5, 6, 12]), torch.Size([5, 4, 12]))}


@pytest.mark.parametrize(("source", "target", "size"), [(12, 36, 15), (36, 12, 1), (3, 3, 5)])
@pytest.mark.usefixtures("temporary_methods")
def test_domains_of_unequal_size_and_target_batches(
    tmp_path: Path, source: int, target: int, size: int
) -> None:
    toy.add("observer", toy.Observer)
    toy.Observer.seen.clear()
    made = [
        write_domain(tmp_path / f"{name}.h5", videos=videos, splits=("train",))
        for name, videos in (("s", source), ("t", target))
    ]
    settings = [*QUICK, "train.target_batch=proportional", "train.holdout=0"]
    run_all(prepare(*made, make_runs(["observer"], settings, segments=2), tmp_path / "runs"))
    assert {shape[1][0] for shape in toy.Observer.seen} == {size}


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_classes_that_the_target_lacks(tmp_path: Path, optimiser: str) -> None:
    source = write_domain(tmp_path / "s.h5")
    target = write_domain(tmp_path / "t.h5", labels=["jump"] * 12)
    task = tmp_path / "task.csv"
    task.write_text("class,source_label,target_label\na,jump,jump\nb,run,run\nc,sit,\n")
    small = ["tcon.features=8", "tcon.disc.hidden=8", f"train.optimiser={optimiser}"]
    runs = make_runs(["tcon"], [*QUICK, *small], segments="4")
    assert [s for _, s, _ in states(prepare(source, target, runs, tmp_path / "r", task=task))] == [
        "finished"
    ]
    with h5py.File(tmp_path / "r" / runs[0].name / "logits.h5") as h5:
        assert h5["target_test/logits"].shape[2] == 3
