"""Which steps are recorded, and what becomes of runs whose steps cannot be; on a machine without a
GPU, where the function is called in place of its recording."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from feature_files import write_domain
from prepared_runs import prepare
from toy_methods import Nearest, add

from tcon.adapt import runner
from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import run_all
from tcon.adapt.training.programs import bundle
from tcon.adapt.training.programs.bundle import Bundle
from tcon.adapt.training.programs.recorded import tensors_in

pytestmark = pytest.mark.slow

STEPS = 6
SETTINGS = [
    *("train.epochs=1", f"train.min_steps={STEPS}"),
    *("train.evaluations=2", "train.batch_size=5"),
]


class Called:
    """In place of `Recorded`; here too a result is lost when the next one is computed."""

    steps: list[int] = []  # each a number of runs

    def __init__(self, compute: Callable[..., Any]) -> None:
        self.compute, self.result = compute, ()

    def __call__(self, source: Any, *inputs: Any) -> Any:
        self.steps.append(len(source.labels))
        for tensor in tensors_in(self.result):
            tensor.untyped_storage().fill_(255)  # NaN
        self.result = self.compute(source, *inputs)
        return self.result


class Impossible(Called):
    """A step that waits for the GPU, say."""

    def __call__(self, source: Any, *inputs: Any) -> Any:
        super().__call__(source, *inputs)
        raise RuntimeError("operation not permitted when stream is capturing")


class TooLarge(Called):
    """A recording of several runs takes more memory than there is."""

    def __call__(self, source: Any, *inputs: Any) -> Any:
        result = super().__call__(source, *inputs)
        if len(source.labels) > 1:
            raise MemoryError
        return result


@pytest.fixture
def train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[list[str], list[str]]]:
    """Trains runs whose steps are recorded by a class; the last losses, and the notes."""
    files = write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", shift=0.5, seed=1)

    def train_by(
        recorded: type[Called] | None, method: str = "daaa", *, seeds: int, bundled: int
    ) -> tuple[list[str], list[str]]:
        monkeypatch.setattr(runner, "can_record", lambda device: True)
        monkeypatch.setattr(bundle, "Recorded", recorded)
        monkeypatch.setattr(Called, "steps", [])
        name = recorded.__name__ if recorded else "plain"
        runs = make_runs([method], SETTINGS, segments=4, seeds=seeds)
        prepared = prepare(*files, runs, tmp_path / name)
        notes: list[str] = []
        graphs = recorded is not None
        assert not run_all(prepared, bundle=bundled, cuda_graphs=graphs, on_note=notes.append)
        return [(tmp_path / name / run.name / "metrics.jsonl").read_text() for run in runs], notes

    return train_by


def test_a_run_alone_is_recorded_too(train: Callable[..., Any]) -> None:
    assert train(Called, seeds=2, bundled=1)[1] == []
    assert Called.steps == [1] * 2 * STEPS


@pytest.mark.parametrize("method", ["daaa", "tcon"])
def test_a_bundle_is_recorded(train: Callable[..., Any], method: str) -> None:
    plain, _ = train(None, method, seeds=3, bundled=3)
    metrics, notes = train(Called, method, seeds=3, bundled=3)
    assert notes == [] and Called.steps == [3] * STEPS
    for ours, theirs in zip(metrics, plain, strict=True):
        for line, other in zip(ours.splitlines(), theirs.splitlines(), strict=True):
            assert json.loads(line) == pytest.approx(json.loads(other), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("bundled", [1, 2])
def test_what_cannot_be_recorded_is_trained_as_without(
    train: Callable[..., Any], bundled: int
) -> None:
    plain, _ = train(None, seeds=4, bundled=bundled)
    metrics, notes = train(Impossible, seeds=4, bundled=bundled)
    assert metrics == plain
    assert Called.steps == [bundled]  # it is tried once
    assert notes == [
        "Steps of daaa are not recorded as CUDA graphs (operation not permitted when stream is "
        "capturing)."
    ]


@pytest.mark.usefixtures("temporary_methods")
def test_a_fitted_run_takes_no_steps(train: Callable[..., Any]) -> None:
    add("nearest", Nearest)
    assert train(Called, "nearest", seeds=1, bundled=4)[1] == []
    assert Called.steps == [1] * STEPS  # of the run that it starts from


def test_what_does_not_fit_into_memory_is_gone_before_less_is_tried(
    train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, programs = Bundle.__init__, []

    def noted(self: Bundle, *args: Any, **options: Any) -> None:
        assert all(program() is None for program in programs)
        programs.append(weakref.ref(self))
        begin(self, *args, **options)

    monkeypatch.setattr(Bundle, "__init__", noted)
    gc.disable()  # that of Python may come late
    try:
        _, notes = train(TooLarge, seeds=2, bundled=2)
    finally:
        gc.enable()
    assert notes == ["2 runs of daaa at once do not fit into the memory: now 1 at once."]
    assert Called.steps == [2, *[1] * STEPS, *[1] * STEPS]
