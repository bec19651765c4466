"""Methods of the user's own that are wrong: each fault is one line, and stops no other run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from feature_files import write_domain

from tcon.adapt.methods import temporary_methods
from tcon.cache import InputError
from tcon.cache.common.plugins import load_plugin
from tcon.cli import main

pytestmark = pytest.mark.slow

HEAD = """# {place}
import math
import sys
from dataclasses import dataclass
from tcon.adapt.methods import Alignment, AlignmentConfig, register
@dataclass(frozen=True, kw_only=True)
class Config(AlignmentConfig):
    {option}
@register({name}, Config(), title="Mine")
class Mine(Alignment):
    def align(self, fs, ft, lam, draws):
        {align}
    {more}
"""
SOUND = "return lam * fs.mean() * 0, {}"


def write(
    folder: Path,
    *,
    option: str = "pass",
    name: str = "'mine'",
    align: str = SOUND,
    more: str = "pass",
) -> Path:
    file = folder / "mine.py"
    file.write_text(HEAD.format(place=folder, option=option, name=name, align=align, more=more))
    return file


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    with temporary_methods():
        yield


def adapt(folder: Path, *words: str) -> Result:
    for name in ("s.h5", "t.h5"):
        if not (folder / name).exists():
            write_domain(folder / name, seed=name == "t.h5")
    files = ["--source", str(folder / "s.h5"), "--target", str(folder / "t.h5")]
    quick = [f"--set=train.{s}" for s in ("epochs=1", "min_steps=2", "batch_size=4")]
    options = ["--segments", "2", "--device", "cpu", "-o", str(folder / "runs")]
    return CliRunner().invoke(main, ["adapt", *files, *quick, *options, *words])


@pytest.mark.parametrize(
    ("align", "more", "message"),
    [
        ("raise ValueError('of mine')", "pass", "line 12: ValueError: of mine"),
        ("return None", "pass", "TypeError"),
        ("return fs, {}", "pass", "RuntimeError"),
        ("sys.exit(0)", "pass", "line 12: SystemExit: 0"),
        (
            SOUND,
            "def predict(self, f): return f.mean((1, 2))[:, None]",
            "gives logits [9, 1] for the videos",
        ),
        (SOUND, "def predict(self, f): 1 / 0", "line 13: ZeroDivisionError"),
    ],
)
def test_a_run_that_fails_stops_no_other(
    tmp_path: Path, align: str, more: str, message: str
) -> None:
    plugin = write(tmp_path, align=align, more=more)
    done = adapt(tmp_path, "--plugin", str(plugin), "--method", "mine,source_only")
    assert done.exit_code == 1 and "Traceback" not in done.output, done.output
    assert message in " ".join(done.output.split())
    finished = {path.parent.name for path in (tmp_path / "runs").rglob("logits.h5")}
    assert finished == {"source_only_rgb_k2_seed0"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "'tcon'"}, "there is a method tcon already"),
        ({"name": "'a/../b'"}, "cannot be called 'a/../b'"),
        ({"name": "''"}, "cannot be called ''"),
        ({"name": "'e2e'"}, "cannot be called 'e2e'"),
        ({"name": "'recommended'"}, "cannot be called 'recommended'"),
        ({"option": "limit: float = math.inf"}, "cannot record the options of the method mine"),
        ({"option": "limit: int = 'x'"}, "cannot record the options of the method mine"),
        ({"option": "names: object = print"}, "cannot record the options of the method mine"),
    ],
)
def test_what_could_not_be_recorded_is_refused_at_once(
    tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_plugin(write(tmp_path, **changes))


def test_a_run_of_other_code_of_the_plugin_is_not_called_damaged(tmp_path: Path) -> None:
    plugin = write(tmp_path, option="depth: tuple[tuple[int, ...], ...] = ((1, 2), (3,))")
    assert adapt(tmp_path, "--plugin", str(plugin), "--method", "mine").exit_code == 0
    runs = str(tmp_path / "runs")
    script = "from tcon.cli import main; main()"
    words = [sys.executable, "-c", script, "eval", runs]  # without the plug-in
    plain = subprocess.run(words, capture_output=True, text=True)
    assert plain.returncode == 0 and "| mine" in plain.stdout, plain.stderr
    changed = CliRunner().invoke(main, ["eval", runs, "--plugin", str(write(tmp_path))])
    assert changed.exit_code == 2 and "damaged" not in changed.output
    assert "has changed since: give the file" in changed.output
