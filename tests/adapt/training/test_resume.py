"""A killed run goes on and ends in the same bytes as an undisturbed one."""

from __future__ import annotations

import functools
import io
import itertools
import operator
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from feature_files import write_domain
from prepared_runs import prepare

from tcon.adapt.config.runs import make_runs
from tcon.adapt.data import feeds as feed
from tcon.adapt.grid import run_all
from tcon.adapt.run.folder import RunFolder
from tcon.adapt.training.resume import Saver
from tcon.cache import InputError

STEPS = 12
SETTINGS = [
    *("train.epochs=1", f"train.min_steps={STEPS}", "train.batch_size=4", "train.evaluations=4"),
    *("tcon.features=8", "tcon.disc.hidden=8", "tcon.warmup.min_steps=2"),
]
COMPARED = (
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


def run(files: tuple[Path, Path], output: Path, *settings: str, **options: object) -> Path:
    runs = make_runs(["tcon"], [*SETTINGS, *settings], segments=4)
    prepared = prepare(*files, runs, output, device="cpu")
    run_all(prepared, **options)
    return prepared.runs[0][1].path


def contents(folder: Path) -> dict[str, bytes]:
    assert sorted(path.name for path in folder.iterdir()) == sorted(COMPARED)
    return {name: (folder / name).read_bytes() for name in COMPARED}


def failure(files: tuple[Path, Path], output: Path, *settings: str) -> str:
    """Why the run fails; "" if it does not."""
    ended: list[str] = []
    run(files, output, *settings, on_state=lambda folder, state, why: ended.append(why))
    return ended[-1]


class Stop(BaseException):
    """As if the process had been killed here."""


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Stop before the batches of a step are drawn."""
    original = feed.step_generator

    def generator(seed: int, at: int, device: object) -> object:
        if at == step:
            raise Stop
        return original(seed, at, device)

    monkeypatch.setattr(feed, "step_generator", generator)


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
@pytest.mark.parametrize("save_seconds", [0.0, 1e9])
def test_interrupted_at_every_step(
    files: tuple[Path, Path], tmp_path: Path, optimiser: str, save_seconds: float
) -> None:
    setting = f"train.optimiser={optimiser}"
    expected = contents(run(files, tmp_path / "whole", setting))
    output = tmp_path / "cut"
    for step in range(STEPS):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
            stop_at(patch, step)
            run(files, output, setting, save_seconds=save_seconds)
        (folder,) = output.iterdir()
        assert (folder / "resume.pt").exists() == (save_seconds == 0 and step > 0)
    assert contents(run(files, output, setting)) == expected


def test_continues_instead_of_beginning_anew(
    monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        stop_at(patch, 7)
        run(files, tmp_path, save_seconds=0)
    taken = []
    original = feed.step_generator

    def generator(seed: int, at: int, device: object) -> object:
        taken.append(at)
        return original(seed, at, device)

    monkeypatch.setattr(feed, "step_generator", generator)
    run(files, tmp_path)
    assert taken == list(range(7, STEPS))


@pytest.mark.parametrize(
    ("owner", "name", "calls"),
    [
        (RunFolder, "begin", 1),
        (RunFolder, "log", 1),
        (RunFolder, "log", 3),
        (Saver, "save", 1),
        (Saver, "save", 7),
        (RunFolder, "forget", 1),
    ],
)
def test_interrupted_right_after_a_write(
    files: tuple[Path, Path], tmp_path: Path, owner: type, name: str, calls: int
) -> None:
    expected = contents(run(files, tmp_path / "whole"))
    original, count = getattr(owner, name), 0

    def stopping(self: object, *args: object) -> None:
        nonlocal count
        original(self, *args)
        count += 1
        if count == calls:
            raise Stop

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        patch.setattr(owner, name, stopping)
        run(files, tmp_path / "cut", save_seconds=0)
    assert contents(run(files, tmp_path / "cut")) == expected


SCRIPT = """
import sys
from prepared_runs import prepare
from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import run_all
source, target, output, *settings = sys.argv[1:]
prepared = prepare(source, target, make_runs(["tcon"], settings, segments=4), output, device="cpu")
report = lambda folder, step, steps, record: print(step, flush=True)
run_all(prepared, on_evaluation=report, save_seconds=0.03)
"""


@pytest.mark.slow
def test_killed_process(files: tuple[Path, Path], tmp_path: Path) -> None:
    """``kill -9`` at no particular place, twice; then the run is finished in peace."""
    settings = (*SETTINGS, "train.min_steps=120", "train.evaluations=40")
    arguments = [*map(str, files), str(tmp_path / "cut"), *settings]
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *arguments],
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdout is not None
        for _ in range(random.randrange(3, 15)):
            assert process.stdout.readline()
        process.kill()
        process.communicate()
    (folder,) = (tmp_path / "cut").iterdir()
    assert (folder / "resume.pt").exists() and not (folder / "logits.h5").exists()
    expected = contents(run(files, tmp_path / "whole", *settings[len(SETTINGS) :]))
    assert contents(run(files, tmp_path / "cut", *settings[len(SETTINGS) :])) == expected


@pytest.mark.parametrize("content", [b"", b"broken", None])
def test_damaged_place_is_named(
    files: tuple[Path, Path], tmp_path: Path, content: bytes | None
) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        stop_at(patch, 5)
        run(files, tmp_path, save_seconds=0)
    (folder,) = tmp_path.iterdir()
    stored = folder / "resume.pt"
    stored.write_bytes(stored.read_bytes()[:1000] if content is None else content)
    why = failure(files, tmp_path)
    assert "resume.pt is damaged (" in why and "): delete it, and the run starts over" in why
    stored.unlink()
    assert (run(files, tmp_path) / "logits.h5").exists()


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Where every value in a snapshot stands, tables and lists among them."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from places(inner, (*path, n))


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_every_value_of_another_kind_is_named(
    files: tuple[Path, Path], tmp_path: Path, optimiser: str
) -> None:
    """Each place in turn holds something else, or nothing."""
    setting = f"train.optimiser={optimiser}"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        stop_at(patch, 5)
        run(files, tmp_path, setting, save_seconds=0)
    (folder,) = tmp_path.iterdir()
    stored = folder / "resume.pt"
    sound = stored.read_bytes()
    paths = list(places(torch.load(stored, weights_only=True)))
    assert {path[0] for path in paths} >= {"step", "method", "optimiser", "recorder", "written"}
    wrong = itertools.cycle(["text", [1], torch.zeros(3, 7), {"a": 1}, None])
    for path in paths:
        damaged = torch.load(io.BytesIO(sound), weights_only=True)
        inner = functools.reduce(operator.getitem, path[:-1], damaged)
        inner[path[-1]] = next(value for value in wrong if type(value) is not type(inner[path[-1]]))
        torch.save(damaged, stored)
        why = failure(files, tmp_path, setting)
        assert "resume.pt is damaged (" in why and "\n" not in why, path
    stored.write_bytes(sound)
    assert (run(files, tmp_path, setting) / "logits.h5").exists()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("step",), STEPS + 1),
        (("step",), 0),
        (("written",), 10**9),
        (("recorder", "count"), 7),
        (("recorder", "steps"), [1]),
        (("optimiser", "state", 99), {"exp_avg": torch.zeros(1)}),
    ],
)
def test_a_number_that_cannot_be_is_named(
    files: tuple[Path, Path], tmp_path: Path, path: tuple[object, ...], value: object
) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        stop_at(patch, 5)
        run(files, tmp_path, save_seconds=0)
    (folder,) = tmp_path.iterdir()
    damaged = torch.load(folder / "resume.pt", weights_only=True)
    functools.reduce(operator.getitem, path[:-1], damaged)[path[-1]] = value
    torch.save(damaged, folder / "resume.pt")
    assert "resume.pt is damaged (" in failure(files, tmp_path)


def test_an_entry_that_is_gone_is_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        stop_at(patch, 5)
        run(files, tmp_path, save_seconds=0)
    (folder,) = tmp_path.iterdir()
    sound = (folder / "resume.pt").read_bytes()
    group, moments = ("optimiser", "param_groups", 0), ("optimiser", "state", 0)
    for path in (
        *((*group, name) for name in ("params", "factor", "lr", "betas", "eps", "weight_decay")),
        *((*moments, name) for name in ("step", "exp_avg", "exp_avg_sq")),
        *(("recorder", name) for name in ("steps", "count", "sums", "logits")),
    ):
        damaged = torch.load(io.BytesIO(sound), weights_only=True)
        del functools.reduce(operator.getitem, path[:-1], damaged)[path[-1]]
        torch.save(damaged, folder / "resume.pt")
        assert "resume.pt is damaged (" in failure(files, tmp_path), path


def test_interrupted_run_with_other_settings_is_refused(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        stop_at(patch, 5)
        run(files, tmp_path, save_seconds=0)
    with pytest.raises(InputError, match=r"interrupted run with another train\.lr .* delete it"):
        run(files, tmp_path, "train.lr=0.1")


@pytest.mark.slow
def test_many_threads_repeat_a_run_to_the_bit(tmp_path: Path) -> None:
    """At sizes where torch divides a gradient among threads; small ones are never divided."""
    files = [
        write_domain(tmp_path / f"{name}.h5", videos=60, seed=seed, dim=32)
        for seed, name in enumerate("st")
    ]
    settings = ["train.epochs=1", "train.min_steps=4", "train.evaluations=1", "tcon.disc.hidden=64"]
    threads = torch.get_num_threads()
    torch.set_num_threads(max(threads, 2))
    try:
        for method in ("tcon", "ta3n"):
            runs = make_runs([method], settings[: 4 if method == "tcon" else 3], segments=8)
            made = []
            for output in ("one", "two"):
                prepared = prepare(*files, runs, tmp_path / output, device="cpu")
                run_all(prepared)
                made.append(contents(prepared.runs[0][1].path))
            assert made[0] == made[1], method
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"data": 1}', '{"data": {}, "end_to_end": 1}', "[" * 10**5, None]
)
def test_damaged_configuration_is_named(
    files: tuple[Path, Path], tmp_path: Path, content: str | None
) -> None:
    config = run(files, tmp_path) / "config.json"
    config.unlink() if content is None else config.write_text(content)
    with pytest.raises(
        InputError, match=r"(cannot read|config\.json is damaged.*: delete the run)"
    ):
        run(files, tmp_path)
