"""A lock keeps others out, ends with its process and leaves no file that locks."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from tcon.cache.common.files.hdf5 import create_hdf5
from tcon.cache.common.files.locks import holding, release, try_lock

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


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_disks_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder, number: int
) -> None:
    def no_locks(_file: int, _how: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    path = tmp_path / "lock"
    for _ in range(2):
        lock = try_lock(path)
        assert lock is not None and try_lock(path) is None
        release(lock)
        assert not list(tmp_path.iterdir())
    assert not recwarn.list
    if not (killed := os.fork()):
        os._exit(0 if (_kept := try_lock(path)) else 1)
    os.waitpid(killed, 0)
    assert list(tmp_path.iterdir())
    with holding(path):
        assert try_lock(path) is None


def test_hdf5_files_are_made_on_disks_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = h5py.File

    def without_locks(path: Path, mode: str, *, locking: bool | None = None) -> h5py.File:
        file = opened(path, mode, locking=False)
        if locking is not False:
            file.close()
            raise OSError(errno.ENOLCK, "unable to lock file")
        return file

    monkeypatch.setattr(h5py, "File", without_locks)
    with create_hdf5(tmp_path / "x.h5") as h5:
        h5["x"] = 1
    with pytest.raises(OSError):
        create_hdf5(tmp_path / "nowhere" / "x.h5")
