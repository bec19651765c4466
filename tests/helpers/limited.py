"""Run a command for a limited time, with all that it starts."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 15.0  # seconds that a command has to end by itself


def run_limited(words: Sequence[str], seconds: float, *, folder: Path) -> int | None:
    """Run a command, and end it where it takes too long.

    Its process group gets SIGTERM, and SIGKILL when it has ended or after `PATIENCE` seconds. The
    processes in which ``tcon adapt`` trains are a group of their own, and end when it has ended.

    Args:
        words: the command.
        seconds: that it may take.
        folder: its working directory.

    Returns:
        its exit code; None if it took too long.
    """
    process = subprocess.Popen(words, cwd=folder, start_new_session=True)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:  # also after Ctrl-C, which the command does not get
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
