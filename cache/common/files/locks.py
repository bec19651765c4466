"""Files that one process holds at a time.

The operating system lets go of them when the process ends, however it ends. What is left is an
empty file that locks nothing; whoever releases a lock in order removes it.
"""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout


def try_lock(path: Path) -> FileLock | None:
    """Take the lock of this path; None where another process has it, or another object here.

    Keep what it gives: a lock that nothing refers to is released.

    Raises:
        OSError: the file cannot be made.
    """
    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def release(lock: FileLock) -> None:
    """Release a lock and remove its file.

    The file goes first: a process that has already opened it sees that it is gone and tries again.
    """
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()
