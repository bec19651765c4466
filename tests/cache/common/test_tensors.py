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
