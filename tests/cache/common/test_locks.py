"""A lock keeps others out, ends with its process and leaves no file that locks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tcon.cache.common.files.locks import release, try_lock

HOLD = """
import sys
from pathlib import Path
from tcon.cache.common.files.locks import try_lock

lock = try_lock(Path(sys.argv[1]))
assert lock is not None
print("held", flush=True)
sys.stdin.read()
"""


def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    lock = try_lock(tmp_path / "lock")
    assert lock is not None
    assert try_lock(tmp_path / "lock") is None
    release(lock)
    assert not (tmp_path / "lock").exists()
    again = try_lock(tmp_path / "lock")
    assert again is not None
    release(again)


def test_a_killed_process_holds_it_no_more(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        assert try_lock(path) is None
        process.kill()
        process.wait()
    assert path.exists()  # it locks nothing
    lock = try_lock(path)
    assert lock is not None
    release(lock)
