"""A disk that is full fails a run in one line, and keeps those that are finished."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from feature_files import write_domain

# The largest file that the process may write stands in for the room that a disk has left.
DRIVER = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
from tcon.cli import main
main(sys.argv[1:])
"""


def test_full_disk(tmp_path: Path) -> None:
    files = write_domain(tmp_path / "s.h5"), write_domain(tmp_path / "t.h5", seed=1)
    words = ["adapt", "--source", files[0], "--target", files[1], "-o", tmp_path / "runs"]
    words += ["--method", "source_only", "--segments", 2, "--device", "cpu", "--seeds", 2]
    settings = ("train.epochs=1", "train.min_steps=2", "train.batch_size=4")
    words += [f"--set={s}" for s in (*settings, "source_only.features=4096")]
    command = [sys.executable, "-c", DRIVER, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in said and "checkpoint.pt: File too large; make room" in said
    assert not list((tmp_path / "runs").rglob("*.tmp"))
