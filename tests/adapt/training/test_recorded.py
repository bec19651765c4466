"""Steps that are recorded as CUDA graphs; what a recording may contain is tested in
``test_bundles.py``, and which are recorded in ``test_recorded_runs.py``, on any machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from feature_files import write_domain
from prepared_runs import prepare

from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import run_all
from tcon.adapt.training.programs.bundle import Bundle
from tcon.adapt.training.programs.program import make_program
from tcon.adapt.training.programs.recorded import Recorded, tensors_in
from tcon.adapt.training.programs.trainee import Trainee

on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
SETTINGS = [
    *("train.epochs=1", "train.min_steps=20", "train.evaluations=20", "train.batch_size=5"),
    "train.precision=fp32",
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", shift=0.5, seed=1)


def test_tensors_in_order() -> None:
    a, b, c = torch.zeros(1), torch.zeros(2), torch.zeros(3)
    assert [len(x) for x in tensors_in((a, {"one": b, "two": (c, a)}))] == [1, 2, 3, 1]


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_on_a_device_that_is_not_the_current_one() -> None:
    double = Recorded(lambda x: x * 2)
    for number in (1.0, 3.0):
        assert double(torch.tensor(number, device="cuda:1")).item() == 2 * number
    assert torch.cuda.current_device() == 0


@on_a_gpu
@pytest.mark.parametrize("bundle", [1, 3])
@pytest.mark.parametrize("method", ["source_only", "daaa", "cdan", "ta3n", "tcon"])
def test_recorded_as_not_recorded(
    files: tuple[Path, Path], tmp_path: Path, method: str, bundle: int
) -> None:
    runs = make_runs([method], SETTINGS, segments=4, seeds=3)
    notes: list[str] = []
    for name, recorded in (("plain", False), ("recorded", True)):
        prepared = prepare(*files, runs, tmp_path / name, device="cuda")
        run_all(prepared, bundle=bundle, cuda_graphs=recorded, on_note=notes.append)
    assert notes == []
    for run in runs:
        lines = [(tmp_path / n / run.name / "metrics.jsonl").open() for n in ("plain", "recorded")]
        for plain, recorded in zip(*(map(json.loads, each) for each in lines), strict=True):
            assert recorded == pytest.approx(plain, rel=1e-3, abs=1e-3)


@on_a_gpu
@pytest.mark.parametrize("method", ["source_only", "daaa", "tcon"])
def test_no_step_waits_for_the_gpu(files: tuple[Path, Path], tmp_path: Path, method: str) -> None:
    runs = make_runs([method], SETTINGS, segments=4, seeds=2)
    prepared = prepare(*files, runs, tmp_path, device="cuda")
    trainees = [Trainee(run, prepared.store.feed(run), folder) for run, folder in prepared.runs]
    for program in (make_program(trainees[:1]), Bundle(trainees[1:])):
        program.step()  # what is made once may wait
        torch.cuda.set_sync_debug_mode("error")
        try:
            program.step()
        finally:
            torch.cuda.set_sync_debug_mode("default")
