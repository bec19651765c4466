"""Files that one process holds at a time.

The operating system lets go of them when the process ends, however it ends. What is left is an
empty file that locks nothing; whoever releases a lock in order removes it.

On a disk without locks, as some network and FUSE ones are, a file that is there is the lock: it
names its process, and that of a process of this machine that has ended is taken over.
"""

from __future__ import annotations

import errno
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # of disks without locks


def try_lock(path: Path) -> BaseFileLock | None:
    """Take the lock of this path; None where another process has it, or another object here.

    Keep what it gives: a lock that nothing refers to is released.

    Raises:
        OSError: the file cannot be made.
    """
    try:
        return _acquire(path, seconds=0)
    except Timeout:
        return None


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Wait for the lock of this path, and have it in the block.

    Raises:
        OSError: the file cannot be made.
    """
    lock = _acquire(path, seconds=-1)
    try:
        yield
    finally:
        lock.release()


def release(lock: BaseFileLock) -> None:
    """Release a lock and remove its file.

    The file goes first: a process that has already opened it sees that it is gone and tries again.
    """
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def _acquire(path: Path, *, seconds: float) -> BaseFileLock:
    """Take a lock within so many seconds, however long it takes if they are negative."""
    lock: BaseFileLock = FileLock(path, timeout=seconds, thread_local=False)
    try:
        with warnings.catch_warnings():  # that the disk has no locks
            warnings.simplefilter("ignore")
            lock.acquire()
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        path.unlink(missing_ok=True)  # it locks nothing here
        lock = SoftFileLock(f"{path}.held", timeout=seconds, thread_local=False)
        lock.acquire()
    return lock
