"""The memory that a process may still take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcon.cache.common.machine.memory import free_on_host, readable_bytes


def test_free_memory_is_what_all_limits_leave(tmp_path: Path) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:   5000 kB\n")
    (proc / "self" / "cgroup").write_text("4:memory:/outside\n1:cpu:/\n0::/job/step\n")
    assert free_on_host(proc, groups) == 5000 * 1024

    def limit(folder: Path, names: tuple[str, str], most: str, used: int, stat: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in zip((*names, "memory.stat"), (most, str(used), stat), strict=True):
            (folder / name).write_text(f"{text}\n")

    v2, v1 = ("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")
    limit(groups / "job" / "step", v2, "max", 700, "inactive_file 5")
    assert free_on_host(proc, groups) == 5000 * 1024
    limit(groups / "job", v2, "4000000", 3000000, "anon 7\ninactive_file 500000")
    assert free_on_host(proc, groups) == 1500000  # files in memory can go
    limit(groups / "memory", v1, "1000", 900, "total_inactive_file 50\ninactive_file 1")
    assert free_on_host(proc, groups) == 150
    assert free_on_host(tmp_path / "nowhere", groups) is None


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0.0 KiB"), (2_000, "2.0 KiB"), (3 * 2**19, "1.5 MiB"), (5 * 2**29, "2.5 GiB")],
)
def test_bytes_as_people_read_them(size: int, text: str) -> None:
    assert readable_bytes(size) == text
