"""The benchmarks' commands end in time, with the processes that they have started."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import limited
import pytest
from limited import run_limited

pytestmark = pytest.mark.slow

# Starts a process, which says its number and sleeps.
PARENT = """
import signal, subprocess, sys
child = "import os, signal, time; {}; open('pid', 'w').write(str(os.getpid())); time.sleep(600)"
subprocess.run([sys.executable, "-c", child])
"""
OBEDIENT, DEAF = "pass", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("child", [OBEDIENT, DEAF], ids=["obedient", "deaf"])
def test_nothing_that_it_started_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, child: str
) -> None:
    monkeypatch.setattr(limited, "PATIENCE", 1.0)
    words = [sys.executable, "-c", PARENT.format(child)]
    assert run_limited(words, 5, folder=tmp_path) is None
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 10
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(pid)


def test_the_exit_code_of_one_that_ends(tmp_path: Path) -> None:
    assert run_limited([sys.executable, "-c", "raise SystemExit(3)"], 60, folder=tmp_path) == 3
