"""How much memory is free, and which errors say that it is too little; in the lowest room because
both ways of training need it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

_PROC, _GROUPS = Path("/proc"), Path("/sys/fs/cgroup")
# Files that hold a group's limit and its usage, and the entry of its cached files, which can go.
_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")

# What torch says where a size exceeds the memory, 64 bits in bytes, or 64 bits.
_TOO_LARGE = ("allocate memory", "Storage size calculation overflowed", "Overflow when unpacking")


def free_memory(device: torch.device) -> int | None:
    """Free bytes on the device; None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return free_on_host()


def free_on_host(proc: Path = _PROC, groups: Path = _GROUPS) -> int | None:
    """Bytes that this process may still take: what the kernel has available, and what the limits
    of the containers and jobs that it runs in (cgroups, version 1 or 2) leave; None outside Linux.

    Args:
        proc, groups: where procfs and the cgroup file system are mounted.
    """
    try:
        lines = (proc / "meminfo").read_text().splitlines()
        available = next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, IndexError):
        return None
    return max(min(int(available) * 1024, *_left(proc, groups)), 0)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python or torch says that there is too little memory, or that there
    could never be enough."""
    known = isinstance(error, MemoryError | torch.cuda.OutOfMemoryError)
    return known or any(text in str(error) for text in _TOO_LARGE)


def readable_bytes(size: float) -> str:
    """As people read it, in the unit that fits: "2.4 GiB"."""
    for unit, name in ((2**30, "GiB"), (2**20, "MiB")):
        if size >= unit / 2:
            return f"{size / unit:.1f} {name}"
    return f"{size / 2**10:.1f} KiB"


def _left(proc: Path, groups: Path) -> Iterator[int]:
    """What each limit leaves, and a number above any limit."""
    yield 2**63
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers == "" or "memory" in controllers.split(","):
            top, names = (groups / "memory", _V1) if controllers else (groups, _V2)
            group = top / name.strip("/")
            for folder in (group, *group.parents):  # a parent's limit holds too
                if folder.is_relative_to(top):
                    yield from _left_by(folder, *names)


def _left_by(group: Path, limit: str, used: str, files: str) -> Iterator[int]:
    try:
        most, now = (group / limit).read_text().strip(), int((group / used).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        if most != "max":
            yield int(most) - (now - int(stat.get(files, 0)))
    except (OSError, ValueError):  # in a container the name may be one outside it
        return
