"""docs/python.md: its script runs, and gives what its commands give."""

from __future__ import annotations

import csv
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from feature_files import write_domain

from tcon.adapt.config.recommended import METHODS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "python.md").read_text()
REAL = ROOT.parent / "shared" / "data" / "hockey_surveillance"

pytestmark = pytest.mark.slow


def block(language: str) -> str:
    """The page's first block of code in a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.S)
    assert found and found[1].count("min_steps") == 1
    # A tenth of the steps is enough here.
    return re.sub(r'((?:min_steps|epochs)"?[:= ] ?)([36])0', r"\g<1>\g<2>", found[1])


def write_list(path: Path, videos: list[tuple[Path, str, str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "split"), *videos])


def draw_domain(path: Path, first: int, write_video: Callable[..., Path]) -> None:
    """A list of four training and four test videos; a class is a range of patterns."""
    videos = []
    for n in range(8):
        label, split = ("climb", "run")[n % 2], "test" if n >= 4 else "train"
        video = path.parent / path.stem / f"{n}.mp4"
        videos.append((write_video(video, 20 + n, first=first + 100 * (n % 2)), label, split))
    write_list(path, videos)


def choose_real(path: Path, domain: str) -> None:
    """A list of the first two training and two test clips of each class."""
    videos, taken = [], {}
    for row in csv.DictReader((REAL / f"{domain}.csv").open()):
        key = row["label"], row["split"]
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= {"train": 2, "test": 2}.get(row["split"], 0):
            videos.append((REAL / domain / row["path"], *key))
    write_list(path, videos)


@pytest.fixture
def folders(tmp_path: Path, write_video: Callable[..., Path]) -> tuple[Path, Path]:
    """Two folders with the same lists and the same new video: for the script and the commands.

    Of real clips where they are at hand, else of drawn ones.
    """
    made = tmp_path / "script", tmp_path / "commands"
    for folder in made:
        folder.mkdir()
        if not REAL.exists():
            draw_domain(folder / "clips.csv", 0, write_video)
            draw_domain(folder / "cameras.csv", 30, write_video)
            write_video(folder / "new.mp4", 24, first=100)
        else:
            choose_real(folder / "clips.csv", "hockey")
            choose_real(folder / "cameras.csv", "surveillance")
            new = next((REAL / "surveillance").rglob("*.mp4"))
            (folder / "new.mp4").write_bytes(new.read_bytes())
    return made


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_script_gives_what_the_commands_give(folders: tuple[Path, Path]) -> None:
    by_script, by_commands = folders
    (by_script / "script.py").write_text(block("python"))
    printed = run(by_script, "script.py")
    commands = block("sh").replace("\\\n", " ").splitlines()
    told = ""
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "tcon"
        told = run(by_commands, "-c", "from tcon.cli import main; main()", *words)

    def rows(folder: Path) -> list[dict[str, str]]:
        kept = csv.DictReader((folder / "accuracy.csv").open())
        return [{k: v for k, v in row.items() if k != "runs"} for row in kept]

    assert len(rows(by_script)) == 6  # two methods: two seeds and their mean
    assert rows(by_script) == rows(by_commands)
    for folder in sorted((by_commands / "runs").iterdir()):
        with (
            h5py.File(folder / "logits.h5") as a,
            h5py.File(by_script / "runs" / folder.name / "logits.h5") as b,
        ):
            np.testing.assert_array_equal(
                a["target_test"]["logits"][()], b["target_test"]["logits"][()]
            )
    assert "source_only" in printed and "tcon" in printed
    label = printed.splitlines()[-1].split()[0]
    assert re.search(rf"new\.mp4\s+{label}", told)
    assert (by_script / "report.html").stat().st_size > 10_000


def test_the_example_of_recommended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_domain(tmp_path / "clips.h5")
    write_domain(tmp_path / "cameras.h5", seed=1)
    section = PAGE.partition("**Which method to take.**")[2].partition("\n**")[0]
    found = re.search(r"```python\n(.*?)```", section, re.S)
    assert found
    quick = '{"train.epochs": 1, "train.min_steps": 2, "train.precision": "fp32"}'
    code = found[1].replace("segments=4", f"segments=4, settings={quick}, jobs=1")
    assert quick in code
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "docs/python.md", "exec"), {})
    first, path = capsys.readouterr().out.splitlines()
    method = first.split()[0]
    assert method in METHODS and Path(path).name.startswith(f"{method}_rgb_k4_seed0")
    assert len(list((tmp_path / "runs/choice").iterdir())) == 3 * len(METHODS)
