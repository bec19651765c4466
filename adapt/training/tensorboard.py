"""Metrics for TensorBoard, which is optional."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...cache import InputError
from ...cache.common.files.writing import write_errors


class TensorBoard:
    """Writes records of runs, several of which may go on at once, to ``FOLDER/tensorboard``.

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
        self._new_writer: Any = SummaryWriter
        self._writers: dict[Path, Any] = {}

    def write(self, folder: Path, step: int, record: Mapping[str, float]) -> None:
        """Write what the run of a folder has logged after a step.

        Raises:
            InputError: a link stands where they are written, or the disk is full.
        """
        with write_errors(folder / "tensorboard"):
            self._write(folder, step, record)

    def _write(self, folder: Path, step: int, record: Mapping[str, float]) -> None:
        if folder not in self._writers:
            logs = folder / "tensorboard"
            if logs.is_symlink():
                raise InputError(f"{logs} is a link, which is not written through: remove it")
            self._writers[folder] = self._new_writer(str(logs))
        for name in record.keys() - {"step"}:
            self._writers[folder].add_scalar(name, record[name], step)
        self._writers[folder].flush()

    def close(self, folder: Path) -> None:
        """The run has ended."""
        if folder in self._writers:
            self._writers.pop(folder).close()
