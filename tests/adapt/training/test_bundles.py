"""Runs that train as one program do what each does alone, whatever becomes of the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import toy_methods as toy
from feature_files import write_domain
from prepared_runs import prepare
from torch.fx.experimental.proxy_tensor import make_fx

from tcon.adapt import adapt
from tcon.adapt.config.options import RunConfig
from tcon.adapt.config.runs import make_runs
from tcon.adapt.config.settings import keys
from tcon.adapt.grid import run_all
from tcon.adapt.methods import FittedMethod, entry, names
from tcon.adapt.methods.source_only import SourceOnly
from tcon.adapt.run.folder import RunFolder
from tcon.adapt.training.programs.bundle import Bundle
from tcon.adapt.training.programs.shape import most_together, parts, shape_of, side_by_side
from tcon.adapt.training.programs.trainee import Inputs, Trainee
from tcon.cache import InputError

pytestmark = pytest.mark.slow

STEPS = 20
TRAIN = [
    *("train.epochs=1", f"train.min_steps={STEPS}", f"train.evaluations={STEPS}"),
    "train.batch_size=5",
]
SMALL = {"features": 8, "disc.hidden": 8, "att_hidden": 4, "warmup.min_steps": 3}
RECORDED = (
    "metrics.jsonl",
    "videos.json",
    "logits.h5",
    "checkpoint.pt",
    "health.json",
    "config.json",
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("files")
    return write_domain(folder / "s.h5"), write_domain(folder / "t.h5", shift=0.5, seed=1)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many runs were one program, step by step."""
    seen = []
    step = Bundle.step

    def counted(self: Bundle) -> None:
        seen.append(len(self.trainees))
        step(self)

    monkeypatch.setattr(Bundle, "step", counted)
    return seen


def runs_of(method: str, *settings: str, seeds: int | Sequence[int] = 3) -> list[RunConfig]:
    small = [f"{method}.{k}={v}" for k, v in SMALL.items() if k in keys(entry(method).config)]
    return make_runs([method], [*TRAIN, *small, *settings], segments=4, seeds=seeds)


def train(
    files: tuple[Path, Path], runs: Sequence[RunConfig], output: Path, **options: object
) -> list[Path]:
    """Train; the runs' folders."""
    prepared = prepare(*files, runs, output, oracle=True)
    run_all(prepared, **options)
    return [output / run.name for run in runs]


def metrics(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").open()]


def logits(folder: Path) -> np.ndarray:
    with h5py.File(folder / "logits.h5") as h5:
        return h5["target_test/logits"][:]


def assert_alike(folder: Path, other: Path, *, but: tuple[str, ...] = ()) -> None:
    for ours, theirs in zip(metrics(folder), metrics(other), strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours.keys() - set(but):
            assert ours[name] == pytest.approx(theirs[name], rel=1e-4, abs=1e-4), name
    np.testing.assert_allclose(logits(folder), logits(other), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "method", [name for name in names() if not issubclass(entry(name).method, FittedMethod)]
)
def test_in_a_bundle_as_alone(
    files: tuple[Path, Path], tmp_path: Path, method: str, sizes: list[int]
) -> None:
    runs = runs_of(method)
    notes: list[str] = []
    bundled = train(files, runs, tmp_path / "bundled", bundle=3, on_note=notes.append)
    assert sizes == [3] * STEPS and notes == []
    for folder, alone in zip(bundled, train(files, runs, tmp_path / "alone"), strict=True):
        assert_alike(folder, alone)
        assert sorted(path.name for path in folder.iterdir()) == sorted(RECORDED)
        sizes_on_disk = [(f / "checkpoint.pt").stat().st_size for f in (folder, alone)]
        assert sizes_on_disk[0] == pytest.approx(sizes_on_disk[1], rel=0.02)
    assert metrics(bundled[0])[-1]["loss"] != metrics(bundled[1])[-1]["loss"]


def test_each_run_has_an_optimiser_of_its_own(
    files: tuple[Path, Path], tmp_path: Path, sizes: list[int]
) -> None:
    runs = [
        *runs_of("daaa", "train.lr=1e-2", "train.schedule=dann", seeds=[0]),
        *runs_of("daaa", "train.optimiser=sgd", "train.clip_norm=0.01", seeds=[1]),
        *runs_of("daaa", "train.weight_decay=0.1", "train.evaluations=3", seeds=[2]),
    ]
    bundled = train(files, runs, tmp_path / "bundled", bundle=8)
    assert sizes == [3] * STEPS
    for folder, alone in zip(bundled, train(files, runs, tmp_path / "alone"), strict=True):
        assert_alike(folder, alone)
    assert [len(metrics(folder)) for folder in bundled] == [STEPS, STEPS, 3]


def test_a_diverging_run_does_not_disturb_the_others(
    files: tuple[Path, Path], tmp_path: Path, sizes: list[int]
) -> None:
    wild = runs_of("tcon", "train.lr=1e30", "train.clip_norm=0", seeds=[7])
    runs = runs_of("tcon")
    ended = []
    mixed = train(
        files,
        [runs[0], *wild, *runs[1:]],
        tmp_path / "mixed",
        bundle=4,
        on_state=lambda folder, state, why: ended.append((folder.path.name, state, why)),
    )
    left = sizes.index(3)
    assert 0 < left < STEPS and sizes == [4] * left + [3] * (STEPS - left)
    ((name, _, why),) = (each for each in ended if each[1] == "failed")
    assert name == mixed[1].name and "diverged before step" in why
    assert not (mixed[1] / "resume.pt").exists() and not (mixed[1] / "logits.h5").exists()
    for folder, alone in zip(
        [mixed[0], *mixed[2:]], train(files, runs, tmp_path / "a"), strict=True
    ):
        assert_alike(folder, alone)


class Stop(BaseException):
    """As if the process had been killed here."""


@pytest.mark.parametrize("settings", [(), ("train.optimiser=sgd",)])
def test_a_killed_bundle_is_resumed_exactly(
    files: tuple[Path, Path], tmp_path: Path, sizes: list[int], settings: tuple[str, ...]
) -> None:
    runs = runs_of("tcon", *settings)
    whole = train(files, runs, tmp_path / "whole", bundle=3)
    sizes.clear()
    for step in (1, 9):

        def stop(folder: RunFolder, done: int, steps: int, step: int = step) -> None:
            if done == step:
                raise Stop

        with pytest.raises(Stop):
            train(files, runs, tmp_path / "cut", bundle=3, save_seconds=0, on_step=stop)
    cut = train(files, runs, tmp_path / "cut", bundle=3)
    assert sizes == [3] * (STEPS + 2)  # the steps during which it was killed are repeated
    for folder, other in zip(cut, whole, strict=True):
        for name in RECORDED:
            assert (folder / name).read_bytes() == (other / name).read_bytes(), name


def test_runs_that_were_stored_at_other_steps_continue_apart(
    files: tuple[Path, Path], tmp_path: Path, sizes: list[int]
) -> None:
    runs = runs_of("daaa")

    def stop(folder: RunFolder, done: int, steps: int) -> None:
        if done == 5:
            raise Stop

    with pytest.raises(Stop):
        train(files, runs[:2], tmp_path / "runs", bundle=2, save_seconds=0, on_step=stop)
    sizes.clear()
    folders = train(files, runs, tmp_path / "runs", bundle=3)
    assert sizes == [2] * (STEPS - 4)  # the third one is alone
    for folder, alone in zip(folders, train(files, runs, tmp_path / "alone"), strict=True):
        assert_alike(folder, alone)


@pytest.mark.parametrize("at", [0, 7])
def test_a_bundle_larger_than_memory_is_divided(
    files: tuple[Path, Path],
    tmp_path: Path,
    sizes: list[int],
    monkeypatch: pytest.MonkeyPatch,
    at: int,
) -> None:
    step = Bundle.step

    def hungry(self: Bundle) -> None:
        if len(self.trainees) > 2 and self.trainees[0].step >= at:
            raise RuntimeError("CUDA error: cannot allocate memory")
        step(self)

    monkeypatch.setattr(Bundle, "step", hungry)
    runs, notes = runs_of("daaa", seeds=7), []
    folders = train(files, runs, tmp_path / "runs", bundle=7, on_note=notes.append)
    assert sizes == [7] * at + [3] * at + [2] * 3 * STEPS  # and one is left alone
    assert notes == [
        "7 runs of daaa at once do not fit into the memory: now 4 at once.",
        "3 runs of daaa at once do not fit into the memory: now 2 at once.",
    ]
    for folder, alone in zip(folders, train(files, runs, tmp_path / "alone"), strict=True):
        assert_alike(folder, alone)


def test_a_shape_that_fits_into_memory_is_not_divided(
    files: tuple[Path, Path], tmp_path: Path, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of the same method may take less, for their batches are smaller."""
    step = Bundle.step

    def hungry(self: Bundle) -> None:
        if len(self.trainees) > 1 and self.trainees[0].config.train.batch_size == 5:
            raise MemoryError
        step(self)

    monkeypatch.setattr(Bundle, "step", hungry)
    runs = [*runs_of("daaa", seeds=2), *runs_of("daaa", "train.batch_size=3", seeds=[2, 3])]
    train(files, runs, tmp_path / "runs", bundle=2)
    assert sizes == [2] * STEPS  # the others are alone


def test_bad_input_fails_the_runs_and_is_no_fault_of_their_program(
    files: tuple[Path, Path], tmp_path: Path, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = Trainee.next_inputs

    def damaged(self: Trainee) -> Inputs:
        if self.step == 3 and self.config.seed == 1:
            raise InputError("s.h5 is damaged")
        return draw(self)

    monkeypatch.setattr(Trainee, "next_inputs", damaged)
    notes, ended = [], []
    train(
        files,
        runs_of("source_only"),
        tmp_path / "runs",
        bundle=3,
        on_note=notes.append,
        on_state=lambda folder, state, why: ended.append((state, why)),
    )
    assert sizes == [3] * 4 and notes == []
    assert ended == [("running", "")] * 3 + [("failed", "s.h5 is damaged")] * 3


class DataDependent(SourceOnly):
    """Looks at a number, which no program of several runs can."""

    def losses(self, *args: object, **options: object) -> object:
        losses, state = super().losses(*args, **options)
        return (losses, state) if losses.total.item() > 0 else (losses, state)


@pytest.mark.usefixtures("temporary_methods")
def test_a_method_that_cannot_be_one_program_trains_alone(
    files: tuple[Path, Path], tmp_path: Path, sizes: list[int]
) -> None:
    toy.add("looks", DataDependent)
    notes: list[str] = []
    runs = runs_of("looks", seeds=5)
    ended = []
    folders = train(
        files,
        runs,
        tmp_path / "runs",
        bundle=2,
        on_note=notes.append,
        on_state=lambda folder, state, why: ended.append(state),
    )
    (note,) = notes  # once, of three groups
    assert note.startswith("Runs of looks cannot be one program (") and "one by one" in note
    assert sizes == [2] and ended.count("finished") == 5 and "failed" not in ended
    for folder, alone in zip(folders, train(files, runs, tmp_path / "alone"), strict=True):
        for name in ("metrics.jsonl", "logits.h5"):
            assert (folder / name).read_bytes() == (alone / name).read_bytes()


@pytest.mark.usefixtures("temporary_methods")
def test_runs_that_others_train_or_have_finished_are_left_out(
    files: tuple[Path, Path], tmp_path: Path, sizes: list[int]
) -> None:
    runs = runs_of("source_only", seeds=4)
    train(files, runs[:1], tmp_path / "runs")
    prepared = prepare(*files, runs, tmp_path / "runs")
    ended = []
    with prepared.runs[1][1].lock():
        run_all(
            prepared, bundle=4, on_state=lambda folder, state, why: ended.append((folder, state))
        )
    states = [[s for f, s in ended if f is folder] for _, folder in prepared.runs]
    assert states == [["finished before"], ["elsewhere"], *[["running", "finished"]] * 2]
    assert sizes == [2] * STEPS


@pytest.mark.usefixtures("temporary_methods")
def test_what_can_be_one_program() -> None:
    toy.add("nearest", toy.Nearest)
    same = [
        *runs_of("daaa", seeds=2),
        *runs_of("daaa", "train.lr=1", "train.momentum=0", seeds=[5]),
    ]
    other = [
        *runs_of("daaa", "train.batch_size=6", seeds=[6]),
        *runs_of("daaa", "train.epochs=2", seeds=[7]),
        *runs_of("daaa", "daaa.disc.hidden=9", seeds=[8]),
        *runs_of("dann", seeds=[9]),
        *make_runs(["daaa"], segments=6),
    ]
    assert len({shape_of(run) for run in same}) == 1
    assert len({shape_of(run) for run in [*same, *other]}) == 1 + len(other)
    fitted = make_runs(["nearest"], TRAIN, segments=4, seeds=3)
    groups = side_by_side([(run, run.name) for run in fitted], 2)
    assert [[run.method for run, _ in group] for group in groups] == [
        *(["source_only"], ["source_only"] * 2),
        *[["nearest"]] * 3,
    ]


def test_parts_are_few_and_nearly_equal() -> None:
    assert [len(part) for part in parts(range(7), 3)] == [2, 2, 3]
    assert [len(part) for part in parts(range(6), 3)] == [3, 3]
    assert parts([1], 9) == [[1]]
    assert parts([], 9) == []


def test_how_many_are_one_program() -> None:
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert (most_together("auto", cpu), most_together(5, cpu), most_together(5, gpu)) == (1, 5, 5)
    assert most_together("auto", gpu) > 1
    for wrong in (0, -1, "many", True, 1.5):
        with pytest.raises(InputError, match="bundle must be auto or a number from 1 to 1000, not"):
            most_together(wrong, cpu)


def test_from_python(files: tuple[Path, Path], tmp_path: Path, sizes: list[int]) -> None:
    source, target = files
    options = {"methods": "source_only", "segments": 4, "seeds": 2, "settings": TRAIN, "jobs": 1}
    runs = adapt(source, target, **options, bundle=2, device="cpu", output=tmp_path / "runs")
    assert len(runs) == 2 and sizes == [2] * STEPS


@pytest.mark.parametrize(
    "method", [name for name in names() if not issubclass(entry(name).method, FittedMethod)]
)
def test_a_recorded_step_computes_any_step(
    files: tuple[Path, Path], tmp_path: Path, method: str
) -> None:
    """What is recorded of one step, as a CUDA graph is, holds no number of that step."""
    runs = runs_of(method, f"{method}.dropout=0.5", seeds=2)
    prepared = prepare(*files, runs, tmp_path, oracle=True)
    bundle = Bundle([Trainee(run, prepared.store.feed(run), at) for run, at in prepared.runs])
    inputs = [bundle.inputs() for _ in range(2)]
    early, late = (
        (*tensors, torch.tensor(progress))
        for (*tensors, _), progress in zip(inputs, (0.1, 0.9), strict=True)
    )
    recorded = make_fx(lambda *step: bundle.losses(*step))(*early)
    (loss, logs), state = bundle.losses(*late)
    (again, logs_again), state_again = recorded(*late)
    torch.testing.assert_close((again, logs_again, state_again), (loss, logs, state))
    (other, _), _ = bundle.losses(*early)
    assert not torch.allclose(other, loss)


def test_fifty_seeds_are_as_accurate_as_alone(tmp_path: Path) -> None:
    videos = {"videos": 60, "splits": ("train", "test")}
    files = (
        write_domain(tmp_path / "s.h5", **videos),
        write_domain(tmp_path / "t.h5", shift=1.0, seed=1, **videos),
    )
    settings = ("train.min_steps=30", "train.evaluations=1", "train.lr=3e-3")
    runs = runs_of("dann", *settings, seeds=50)
    truth = np.arange(60).reshape(10, 2, 3)[:, 1].flatten() % 3  # of the videos of the test split
    accuracies = [
        [
            (logits(folder)[-1].argmax(1) == truth).mean()
            for folder in train(files, runs, tmp_path / str(bundle), bundle=bundle)
        ]
        for bundle in (1, 25)
    ]
    alone, bundled = np.array(accuracies)  # [50] each
    interval = 1.96 * alone.std(ddof=1) / len(alone) ** 0.5
    assert 0 < interval < 0.1 and alone.mean() > 0.4
    assert abs(bundled.mean() - alone.mean()) < interval
