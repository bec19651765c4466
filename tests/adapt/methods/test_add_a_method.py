"""The method of docs/add-a-method.md, in a file outside of the package, is like any other."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from feature_files import write_domain
from prepared_runs import prepare
from tiny_backbones import MACHINE, tiny_backbones, train_on_videos

from tcon.adapt import Runs, adapt
from tcon.adapt.config.runs import make_runs
from tcon.adapt.grid import run_all
from tcon.adapt.methods import entry, temporary_methods
from tcon.cache import InputError
from tcon.cache.common.plugins import load_plugin
from tcon.extract import Machine

pytestmark = pytest.mark.slow

DOC = Path(__file__).parents[3] / "docs" / "add-a-method.md"
SETTINGS = [
    *("train.epochs=1", "train.min_steps=6", "train.batch_size=5", "train.evaluations=2"),
    *("tcon.features=8", "tcon.disc.hidden=8", "cmd.features=8", "cmd.moments=2"),
]


def tcon(*words: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which knows no plug-in yet."""
    code = "import sys; sys.argv[0] = 'tcon'; from tcon.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def cmd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    file = tmp_path_factory.mktemp("mine") / "cmd.py"
    file.write_text(re.search(r"```python\n(.*?)```", DOC.read_text(), re.S)[1])
    with temporary_methods():  # other tests go through all methods
        yield file


@pytest.fixture(scope="module")
def runs(cmd: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    files = write_domain(folder / "s.h5"), write_domain(folder / "t.h5", shift=0.5, seed=1)
    words = ["adapt", "--plugin", cmd, "--method", "tcon,cmd", "--device", "cpu"]
    words += ["--source", files[0], "--target", files[1], "-o", folder / "runs"]
    done = tcon(*words, *(word for s in SETTINGS for word in ("--set", s)))
    assert done.returncode == 0 and "2 of 2 runs finished" in done.stdout, done.stderr
    return folder / "runs"


def test_it_is_short(cmd: Path) -> None:
    lines = [line for line in cmd.read_text().splitlines() if line.strip()]
    assert len(lines) <= 25


def test_its_run_records_the_file(runs: Path, cmd: Path) -> None:
    loaded = load_plugin(cmd)
    record = Runs.open(runs)["cmd", 0].record
    assert record.plugins == (loaded,) and loaded.module == str(cmd)
    assert record.run.options.moments == 2 and record.run.options.lambda_d == 0.5
    assert record.command[:3] == ("tcon", "adapt", "--plugin")
    assert Runs.open(runs)["tcon", 0].record.plugins == ()


def test_it_is_evaluated_beside_tcon_and_is_in_the_report(
    runs: Path, cmd: Path, tmp_path: Path
) -> None:
    done = tcon("eval", runs)
    assert done.returncode == 0 and re.search(r"\| cmd +\| rgb", done.stdout), done.stderr
    done = tcon("eval", runs, "--plugin", cmd, "--report", tmp_path / "report.html")
    assert done.returncode == 0, done.stderr
    assert re.search(r"\| Central moments +\| rgb", done.stdout)
    assert "Central moments" in (tmp_path / "report.html").read_text()


def test_it_predicts(cmd: Path, clips: Path, tmp_path: Path) -> None:
    load_plugin(cmd)
    with tiny_backbones():
        config = replace(MACHINE, backbone="tiny", weights="random", modalities=("rgb",))
        path = train_on_videos(clips, tmp_path, "cmd", config, segments=2)
        predictions = Runs.open(path)["cmd", 0].predict(
            clips, machine=Machine(workers=0, device="cpu", min_frames=1)
        )
    assert len(predictions) == 6


def test_what_to_give_when_the_file_is_gone_or_has_changed(
    runs: Path, cmd: Path, tmp_path: Path
) -> None:
    original = cmd.read_text()
    moved = tmp_path / "moved.py"
    moved.write_text(original)
    run = Runs.open(runs)["cmd", 0].path
    try:
        cmd.write_text(original + "# changed\n")
        changed = tcon("export", run, "-o", tmp_path / "x.pt2")
        assert (
            changed.returncode == 2
            and "has changed since: if you trust it, give it" in changed.stderr
        )
        cmd.unlink()
        gone = tcon("export", run, "-o", tmp_path / "x.pt2")
        assert gone.returncode == 2 and "is gone: if you trust it, give it" in gone.stderr
        assert "--plugin FILE" in gone.stderr and "Traceback" not in gone.stderr
        given = tcon("export", run, "-o", tmp_path / "x.pt2", "--plugin", moved)
        assert "need the backbone toy, which is not registered" in given.stderr  # it stops later
    finally:
        cmd.write_text(original)


def test_a_run_of_a_changed_plugin_is_another_run(cmd: Path, tmp_path: Path) -> None:
    files = write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", seed=1)
    settings = [s for s in SETTINGS if not s.startswith("tcon")]
    assert (
        len(
            adapt(
                *files,
                methods="cmd",
                settings=settings,
                plugins=[cmd],
                output=tmp_path / "runs",
                device="cpu",
            )
        )
        == 1
    )
    other = tmp_path / "cmd.py"
    other.write_text(cmd.read_text() + "# other\n")
    load_plugin(other)
    assert entry("cmd").plugin.module == str(other)
    with pytest.raises(InputError, match="finished run with another plugins"):
        prepare(*files, make_runs(["cmd"], settings), tmp_path / "runs")
    assert run_all(prepare(*files, make_runs(["cmd"], settings), tmp_path / "others")) == 0
