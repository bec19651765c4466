"""Cut stacks of flow fields out of a video's frames as they come."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from torch import Tensor

from ..snippets.cutting import Cutter, Joiner
from .field_queue import Field, FieldQueue
from .fields import FieldCut, GreyFrames
from .frames import grey

_PART = 257  # frames that are sent to a device at once: 22 MB, and 180 MB of flow there


class FlowCutter(Cutter[Tensor]):
    """Computes flow as the frames come; gives chunks as `FrameCutter` does, with 2 channels."""

    def __init__(self, cut: FieldCut, plan: np.ndarray, video: str) -> None:
        self._cut, self._video, self._joiner = cut, video, Joiner(cut, plan)
        self._fields = set(np.unique(plan).tolist())
        self.frames = _frames(plan)
        self._computing = FieldQueue(cut)
        self._last: tuple[int, Tensor] | None = None

    def take(self, index: int, image: Tensor) -> Iterator[Tensor]:
        frame, field = grey(image), index - 1
        last, self._last = self._last, (index, frame)
        if field in self._fields and last and last[0] == field:
            yield from self._join(self._computing.add(field, last[1], frame))

    def rest(self) -> Iterator[Tensor]:
        yield from self._join(self._computing.rest())
        yield from self._joiner.rest()

    def _join(self, computed: Iterator[Field]) -> Iterator[Tensor]:
        for field in computed:
            self.early_stopped += field.stopped
            pieces = self._cut.pieces(field.levels, self._video)
            yield from self._joiner.add(field.number, pieces[0])


class GreyCutter(Cutter[GreyFrames]):
    """Only collects the frames, for flow that is computed elsewhere.

    They are given a part at a time, however long the video is. Fields that stacks of two parts
    share are computed in both.
    """

    def __init__(self, cut: FieldCut, plan: np.ndarray, video: str) -> None:
        self.frames = _frames(plan)
        self._plan, self._video = plan, video
        self._next = self._next_field = 0  # what comes after the last part
        self._greys: dict[int, np.ndarray] = {}

    def take(self, index: int, image: Tensor) -> Iterator[GreyFrames]:
        self._greys[index] = grey(image)[0].numpy()
        if len(self._greys) >= _PART:
            yield from self.rest()

    def rest(self) -> Iterator[GreyFrames]:
        left = self._plan[self._next :]
        whole = left[: np.searchsorted(left[:, -1], max(self._greys, default=0))]
        if len(whole):
            self._next += len(whole)
            fields, stacks = np.unique(whole, return_inverse=True)
            frames = _frames(whole)
            yield GreyFrames(
                np.stack([self._greys[i] for i in frames.tolist()]),
                np.searchsorted(frames, fields),
                stacks.reshape(whole.shape),
                int(np.searchsorted(fields, self._next_field)),
                self._video,
            )
            self._next_field = fields[-1] + 1
            needed = left[len(whole), 0] if len(whole) < len(left) else math.inf
            self._greys = {i: frame for i, frame in self._greys.items() if i >= needed}


def _frames(plan: np.ndarray) -> np.ndarray:
    fields = np.unique(plan)
    return np.union1d(fields, fields + 1)
