"""Snapshots of a run, stored now and then, so that it continues there after a kill, bit for bit.

Batches and random numbers of a step follow from seed and step (`batches`), so a snapshot is: the
step, weights, optimiser, the method's state, and what has been recorded since the beginning.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ...cache.common.files.tensors import read_tensors
from ..run.files import may_be_damaged, replace_file
from ..run.folder import RunFolder

START_OVER = "delete it, and the run starts over"
_SHARE = 50  # a run spends no more than a 50th of its time on storing


class Saver:
    """Stores snapshots of runs at most once in ``seconds``: so much work can be lost.

    Args:
        seconds: 0 stores every step; snapshots that take long to store are stored less often.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._last, self._took = time.monotonic(), 0.0

    @property
    def due(self) -> bool:
        wait = self.seconds and max(self.seconds, _SHARE * self._took)
        return time.monotonic() - self._last >= wait

    @contextmanager
    def timed(self) -> Iterator[None]:
        """The block stores the snapshots that are due."""
        started = time.monotonic()
        yield
        self._last = time.monotonic()
        self._took = self._last - started

    def save(self, folder: RunFolder, snapshot: dict[str, Any]) -> None:
        """Replace a run's stored snapshot as a whole; it holds tensors and plain values."""
        buffer = io.BytesIO()
        torch.save({**snapshot, "written": folder.sync_metrics()}, buffer)
        replace_file(folder.resume, buffer.getvalue())


def restore(folder: RunFolder) -> dict[str, Any] | None:
    """The stored snapshot, on the CPU; None for a run that begins.

    Raises:
        InputError: what is stored cannot be read.
    """
    if not folder.resume.exists():
        return None
    with may_be_damaged(folder.resume, START_OVER):
        snapshot = read_tensors(folder.resume)
        if not isinstance(snapshot, dict):
            raise ValueError("it is no table")
    return snapshot
