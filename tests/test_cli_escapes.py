"""What labels, ids, classes and paths hold is shown by every command, and obeyed by no terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from feature_files import write_domain

from tcon.cli import main

EVIL = "\x1b[2J\x1b]0;t\x07\x9b\u202e[red]"
SHOWN = r"\x1b[2J\x1b]0;t\x07\x9b\u202e[red]"
LABELS = [f"{name}{EVIL}" for name in ("jump", "run", "sit")] * 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two feature files, a task and a finished run; all names are evil."""
    folder = tmp_path_factory.mktemp("x") / f"evil{EVIL}"
    folder.mkdir()
    for n, name in enumerate("st"):
        write_domain(folder / f"{name}.h5", labels=LABELS, seed=n, device=f"gpu{EVIL}")
    rows = [f"{label},{label},{label}" for label in LABELS[:3]]
    (folder / "task.csv").write_text("\n".join(["class,source_label,target_label", *rows]))
    said(*training(folder))
    return folder


def training(folder: Path) -> list[str | Path]:
    words = ["adapt", "--source", folder / "s.h5", "--target", folder / "t.h5", "--device", "cpu"]
    settings = ("train.epochs=1", "train.min_steps=2", "source_only.features=8")
    words += ["--method", "source_only", "--task", folder / "task.csv", "-o", folder / "runs"]
    return [*words, *(f"--set={setting}" for setting in settings)]


def said(*words: str | Path) -> str:
    result = CliRunner().invoke(main, [*map(str, words)], catch_exceptions=False)
    assert all(c.isprintable() or c == "\n" for c in result.output), result.output
    assert "Traceback" not in result.output
    return result.output


def test_inspect(folder: Path) -> None:
    assert SHOWN in said("inspect", folder / "s.h5").replace("\n", "")


def test_adapt(folder: Path) -> None:
    assert SHOWN in said(*training(folder))
    assert SHOWN in said(*training(folder), "--dry-run")


def test_eval(folder: Path) -> None:
    assert SHOWN in said("eval", folder / "runs", "--details")
    assert SHOWN in said("eval", folder / "runs", "--csv", folder / "x.csv")
    assert SHOWN in said("eval", folder / "no runs")


def test_tasks(folder: Path) -> None:
    files = folder / "s.h5", folder / "t.h5"
    assert r"\x1b[2J" in said("tasks", folder / "task.csv")
    assert r"\x1b[2J" in said("tasks", folder / "task.csv", "--check", *files)


def test_export_and_predict(folder: Path) -> None:
    assert SHOWN in said("export", folder / "s.h5", "-o", folder / "x.npz")
    assert SHOWN in said("predict", folder / "runs", folder / f"no{EVIL}.mp4")
