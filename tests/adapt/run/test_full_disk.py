"""A disk that is full ends the training in one line; with room, the same command continues.

The largest file that the process may write stands in for the room that a disk has left.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from feature_files import write_domain

from tcon.cli import main

QUICK = ("train.epochs=1", "train.min_steps=2", "train.batch_size=4", "source_only.features=256")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def adapt(folder: Path, runs: str, *more: str) -> Result:
    words = ["--source", folder / "s.h5", "--target", folder / "t.h5", "-o", folder / runs]
    words += ["--method", "source_only", "--segments", 2, "--seeds", 2, "--device", "cpu"]
    words += [f"--set={setting}" for setting in QUICK]
    return CliRunner().invoke(main, ["adapt", *map(str, words), *more])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("full")
    write_domain(folder / "s.h5"), write_domain(folder / "t.h5", seed=1)
    assert adapt(folder, "whole").exit_code == 0
    return folder


@pytest.mark.parametrize(
    ("file", "jobs"),
    [
        ("config.json", "1"),
        ("metrics.jsonl", "1"),
        ("checkpoint.pt", "1"),
        ("logits.h5", "1"),
        pytest.param("checkpoint.pt", "2", marks=pytest.mark.slow),
    ],
)
def test_full_disk(made: Path, file: str, jobs: str) -> None:
    whole = made / "whole" / "source_only_rgb_k2_seed0"
    runs = f"{file}{jobs}"
    with largest_file((whole / file).stat().st_size - 1):
        result = adapt(made, runs, "--jobs", jobs)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    (line,) = (line for line in result.output.splitlines() if line.startswith("Error"))
    assert line.startswith(f"Error: cannot write {made / runs}/")
    assert line.endswith("File too large; make room, and the same command continues")
    assert not list((made / runs).rglob("*.tmp"))
    assert adapt(made, runs).exit_code == 0
    for path in (made / "whole").rglob("*"):
        if path.is_file() and path.name != "config.json":  # which keeps the command
            assert (made / runs / path.relative_to(made / "whole")).read_bytes() == (
                path.read_bytes()
            )
