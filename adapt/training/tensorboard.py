"""Metrics for TensorBoard, which is optional."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from ...cache import InputError

Write = Callable[[Path, int, Mapping[str, float]], None]


def tensorboard_writer() -> Write:
    """A function that writes a record of a run's folder to ``FOLDER/tensorboard``.

    Raises:
        InputError: the package is missing.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError(
            "--tensorboard needs the package tensorboard: pip install 'tcon[tensorboard]'"
        ) from None

    @lru_cache(maxsize=1)  # runs come one after another
    def writer_of(folder: Path) -> SummaryWriter:
        return SummaryWriter(str(folder / "tensorboard"))

    def write(folder: Path, step: int, record: Mapping[str, float]) -> None:
        writer = writer_of(folder)
        for name in record.keys() - {"step"}:
            writer.add_scalar(name, record[name], step)
        writer.flush()

    return write
