"""Work goes on without a reader, without descriptors and in any encoding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TCON = f"'{sys.executable}' -m tcon.cli"


def shell(words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        capture_output=True,
        text=True,
        errors="replace",
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "0<&- >&- 2>&-"])
@pytest.mark.parametrize(("words", "code"), [("tasks", 0), ("--help", 0), ("inspect no.h5", 2)])
def test_closed_descriptors(tmp_path: Path, words: str, code: int, closed: str) -> None:
    run = shell(f"{TCON} {words} {closed}", tmp_path)
    assert run.returncode == code
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("words", ["tasks", "--help", "adapt --help"])
def test_nobody_reads(tmp_path: Path, words: str) -> None:
    run = shell(f"{TCON} {words} | true; echo ${{PIPESTATUS[0]}}", tmp_path)
    assert (run.stdout, run.stderr) == ("0\n", "")


@pytest.mark.parametrize("words", ["tasks", "--help"])
def test_output_on_a_full_disk(tmp_path: Path, words: str) -> None:
    run = shell(f"{TCON} {words} > /dev/full", tmp_path)
    assert run.stderr == "Error: cannot write the output: No space left on device\n"
    assert run.returncode == 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_characters_that_an_encoding_lacks(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "task.csv").write_text(
        "task,class,source_label,target_label,class_index,status,note\nt,跑,跑,跑,0,,\n"
    )
    run = shell(f"{TCON} tasks task.csv", tmp_path, PYTHONIOENCODING=encoding)
    assert (run.returncode, run.stderr) == (0, "")
    assert "?" in run.stdout
    assert run.stdout.isascii()


@pytest.mark.skipif(sys.platform != "linux", reason="the limit means something else elsewhere")
def test_too_little_memory_for_torch_is_one_line(tmp_path: Path) -> None:
    run = shell(f"ulimit -v 700000; {TCON} adapt --source a --target b", tmp_path)
    assert run.returncode == 2
    assert run.stderr.startswith("Error: there is too little memory to load torch; this process ma")
    assert run.stderr.count("\n") == 1
