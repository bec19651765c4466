"""The memory that a step of end-to-end training needs, and that there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tcon.adapt.end_to_end.memory.free import free_on_host
from tcon.adapt.end_to_end.memory.step import kept_bytes, need


def test_the_memory_of_a_step_by_hand() -> None:
    """A convolution keeps its input and ReLU its output, each once."""
    backbone = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
    method = torch.nn.Linear(10, 2)
    told = need(backbone, method, (3, 8, 8), of_batch=6)
    weights = 3 * 4 * 9 + 4 + 10 * 2 + 2
    assert told.fixed == weights * 16 + 6 * 3 * 8 * 8
    kept = 3 * 8 * 8 + 4 * 6 * 6
    assert told.per_image == kept * 4 + 3 * 8 * 8 * 4
    assert told.of(3) == told.fixed + 3 * told.per_image


@pytest.mark.parametrize("size", [2, 4])
def test_pooling_keeps_its_places_in_64_bits(size: int) -> None:
    """Whatever the size of a value: the image, the 6 x 6 before it, and 3 x 3 places."""
    backbone = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.MaxPool2d(2))
    kept = (3 * 8 * 8 + 4 * 6 * 6) * size + 4 * 3 * 3 * 8
    assert kept_bytes(backbone, (3, 8, 8), size) == kept


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
