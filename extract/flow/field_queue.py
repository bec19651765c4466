"""The fields of one video, computed side by side and given in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from torch import Tensor

from .fields import FieldCut

_AHEAD = 2  # pairs of frames for a thread: one that it computes and one that waits


class Field(NamedTuple):
    """A field of a video.

    Args:
        number: of its first frame in the video.
        levels: [1, 2, H, W].
        stopped: whether it was stopped early.
    """

    number: int
    levels: Tensor
    stopped: bool


class FieldQueue:
    """Computes fields on `FieldCut.threads`, while the next frames are decoded.

    With one thread a field is computed where it is asked for.
    """

    def __init__(self, cut: FieldCut) -> None:
        self._cut = cut
        self._pool = ThreadPoolExecutor(cut.threads) if cut.threads > 1 else None
        self._waiting: deque[Future[Field]] = deque()

    def add(self, number: int, first: Tensor, second: Tensor) -> Iterator[Field]:
        """Take a pair of grey frames, [1, H, W] uint8 each; give the fields that have waited."""
        if self._pool is None:
            yield self._compute(number, first, second)
            return
        self._waiting.append(self._pool.submit(self._compute, number, first, second))
        while len(self._waiting) > _AHEAD * self._cut.threads:
            yield self._waiting.popleft().result()

    def rest(self) -> Iterator[Field]:
        """The fields that are left; nothing can be added after them."""
        while self._waiting:
            yield self._waiting.popleft().result()
        if self._pool is not None:
            self._pool.shutdown()

    def _compute(self, number: int, first: Tensor, second: Tensor) -> Field:
        return Field(number, *self._cut.field(first, second))
