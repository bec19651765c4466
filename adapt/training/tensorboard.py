"""Metrics for TensorBoard, which is optional."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...cache import InputError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TensorBoard:
    """Writes the records of runs to ``FOLDER/tensorboard``. Use it as a context manager: every
    writer has a thread and an open file until it is closed.

    Raises:
        InputError: the package is missing.
    """

    def __init__(self) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise InputError(
                "--tensorboard needs the package tensorboard: pip install 'tcon[tensorboard]'"
            ) from None
        self._new_writer = SummaryWriter
        self._writers: dict[Path, SummaryWriter] = {}

    def write(self, folder: Path, step: int, record: Mapping[str, float]) -> None:
        """Write what a run has recorded at a step."""
        if folder not in self._writers:
            self._writers[folder] = self._new_writer(str(folder / "tensorboard"))
        writer = self._writers[folder]
        for name in record.keys() - {"step"}:
            writer.add_scalar(name, record[name], step)
        writer.flush()

    def close(self, folder: Path) -> None:
        """A run has ended, or has recorded nothing."""
        if (writer := self._writers.pop(folder, None)) is not None:
            writer.close()

    def __enter__(self) -> TensorBoard:
        return self

    def __exit__(self, *error: object) -> None:
        for folder in tuple(self._writers):
            self.close(folder)
