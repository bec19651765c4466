"""What holds for every registered method: it trains, resumes exactly, predicts, and never sees a
target label. That it can be exported is tested in ``tests/evaluate/export``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from feature_files import write_domain
from prepared_runs import prepare

from tcon.adapt.config.runs import make_runs
from tcon.adapt.config.settings import keys
from tcon.adapt.grid import run_all
from tcon.adapt.inference import load_run
from tcon.adapt.methods import entry, names
from tcon.adapt.run.folder import RunFolder
from tcon.adapt.run.record import read_record

SMALL = {"features": 8, "disc.hidden": 8, "att_hidden": 4, "iterations": 3, "select": "false"}
TRAIN = ["train.epochs=1", "train.min_steps=3", "train.batch_size=5", "train.evaluations=3"]
LABELS = ["jump", "run", "sit"] * 4
COMPARED = ("metrics.jsonl", "logits.h5", "checkpoint.pt", "health.json", "config.json")


class Killed(Exception):
    """As a kill would end it."""


def run(
    method: str,
    folder: Path,
    *,
    precision: str = "fp32",
    labels: list[str] = LABELS,
    killed_after: int | None = None,
) -> Path:
    """Train a method; its folder."""
    files = folder / "s.h5", folder / "t.h5"
    if not files[0].exists():
        write_domain(files[0])
        write_domain(files[1], labels=labels, shift=0.5, seed=1)
    methods = [method, *(["source_only"] if hasattr(entry(method).method, "fit") else [])]
    settings = [
        f"{name}.{key}={value}"
        for name in methods
        for key, value in SMALL.items()
        if key in keys(entry(name).config)
    ]
    settings.append(f"train.precision={precision}")
    runs = make_runs([method], [*TRAIN, *settings], segments=4)
    prepared = prepare(*files, runs, folder / precision, oracle=True)
    evaluations = 0

    def kill(folder: RunFolder, step: int, steps: int, record: dict[str, float]) -> None:
        nonlocal evaluations
        evaluations += 1
        if evaluations == killed_after:
            raise Killed

    assert run_all(prepared, on_evaluation=kill, save_seconds=0) == 0
    return prepared.runs[-1][1].path


def contents(folder: Path, *, but: tuple[str, ...] = ()) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in COMPARED if name not in but}


def records(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(params=names())
def method(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_killed_run_is_resumed_exactly(method: str, precision: str, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("s.h5", "t.h5")]
    whole = run(method, tmp_path, precision=precision)
    expected = contents(whole)
    for path in whole.parent.rglob("*"):
        path.unlink() if path.is_file() else None
    with pytest.raises(Killed):
        run(method, tmp_path, precision=precision, killed_after=2)
    again = run(method, tmp_path, precision=precision)
    assert contents(again) == expected and all(file.exists() for file in files)


def test_bf16_gives_the_losses_of_fp32_to_its_rounding(method: str, tmp_path: Path) -> None:
    """The first step's, on equal weights, batches and masks; the course stays sane afterwards."""
    if hasattr(entry(method).method, "fit"):
        pytest.skip("it takes no steps")
    full, half = (records(run(method, tmp_path, precision=name)) for name in ("fp32", "bf16"))
    names = {name for name in full[0] if name == "loss" or name.endswith(("_class", "_domain"))}
    for name in names:
        assert half[0][name] == pytest.approx(full[0][name], rel=0.02, abs=0.02), name
    assert any(half[0][name] != full[0][name] for name in names)
    assert half[-1]["loss"] == pytest.approx(full[-1]["loss"], rel=0.1, abs=0.1)


def test_it_predicts_what_it_recorded_of_its_options(method: str, tmp_path: Path) -> None:
    folder = run(method, tmp_path)
    loaded = load_run(folder)
    assert loaded.record == read_record(folder) and loaded.config.method == method
    features = torch.randn(5, loaded.positions(), 12)  # [B, K m, D_in]
    logits = loaded.method.predict(features)
    assert logits.shape == (5, 3) and logits.isfinite().all()
    votes = loaded.method.vote(features)
    if votes is not None and votes.attention is not None:
        torch.testing.assert_close(votes.attention.sum(1), torch.ones(5))


@pytest.mark.slow
def test_target_labels_change_nothing(method: str, tmp_path: Path) -> None:
    """No byte of a run, whichever of the task's videos the target's labels are given to."""
    if entry(method).method.reads_target_labels:
        pytest.skip("it reads them, under --oracle alone")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    a = run(method, tmp_path / "a")
    b = run(method, tmp_path / "b", labels=["sit", "sit", "run", "jump"] * 3)
    assert contents(a, but=("config.json",)) == contents(b, but=("config.json",))
    assert read_record(a).differences(read_record(b)) == []
