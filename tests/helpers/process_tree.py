"""Which processes one has started; on Linux, from ``/proc``."""

from __future__ import annotations

from pathlib import Path


def children(pid: int | str = "self") -> set[int]:
    """The processes that a process has started and that have not ended."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for thread in threads for child in thread.read_text().split()}


def descendants(pid: int | str = "self") -> set[int]:
    """Its children, and all that these have started."""
    own = children(pid)
    return own.union(*map(descendants, own))
