"""Small features in the formats that users have, for tests of importers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch


def features(snippets: int, seed: int = 0, dim: int = 4) -> np.ndarray:
    """[snippets, dim] float32 that float16 holds exactly."""
    return (np.random.default_rng(seed).integers(-512, 512, (snippets, dim)) / 64).astype("f4")


def write_t7(folder: Path, rows: np.ndarray, *, template: str = "img_{:05d}.t7") -> Path:
    """One file per row, counted from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, row in enumerate(rows, start=1):
        torch.save(torch.from_numpy(row.copy()), folder / template.format(number))
    return folder


def write_list(path: Path, lines: Iterable[str]) -> Path:
    """As the published lists are: CR-LF."""
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return path
