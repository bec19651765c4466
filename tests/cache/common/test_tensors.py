"""Files of torch that are read without running their code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tcon.cache.common.files.tensors import read_tensors


def test_too_little_memory_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object, **__: object) -> None:
        raise MemoryError

    torch.save({"x": torch.zeros(1)}, tmp_path / "x.pt")
    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(MemoryError):
        read_tensors(tmp_path / "x.pt")


@pytest.mark.parametrize(
    "value",
    [
        torch.eye(3).to_sparse(),
        torch.quantize_per_tensor(torch.eye(3), 0.1, 0, torch.qint8),
        torch.empty(3, device="meta"),
    ],
)
def test_tensors_of_other_kinds_are_refused(tmp_path: Path, value: torch.Tensor) -> None:
    """Their shape and type may be right, and nothing can be computed with them."""
    torch.save({"a": [torch.eye(3), value]}, tmp_path / "x.pt")
    with pytest.raises(ValueError, match=r"it\.a\.1 is a tensor of another kind"):
        read_tensors(tmp_path / "x.pt")


def test_endless_tables_are_refused(tmp_path: Path) -> None:
    value: list = []
    value.append(value)
    torch.save(value, tmp_path / "x.pt")
    with pytest.raises(ValueError, match="nested too deeply"):
        read_tensors(tmp_path / "x.pt")
