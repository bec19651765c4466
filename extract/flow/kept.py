"""Keep all flow of a video in a `FlowCache`, and cut its snippets out of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

from ..decoding import ForwardVideo
from ..snippets.cutting import Cutter, Joiner
from .cache import FlowCache
from .cache_file import NoRoom, early_stopped
from .field_queue import Field, FieldQueue
from .fields import FieldCut
from .frames import grey


def keep_flow(
    video: str, path: str, opening: Callable[[], ForwardVideo], cut: FieldCut, cache: FlowCache
) -> None:
    """Compute every field of a video and keep it, unless it is kept already or there is no room.

    The flow of another video of the same id, as of another domain's, is replaced.

    Args:
        video: its id.
        path: where it is.
        opening: gives the video, opened anew.
        cut: how the flow is computed; 8-bit levels on the CPU.
        cache: a full one keeps nothing more.

    Raises:
        DecodeError: the file cannot be opened as a video.
    """
    if not cache.limit:
        return

    @functools.cache
    def count() -> int:
        with opening() as decoding:
            return decoding.count()

    if video in cache:
        if cache.is_of(video, path, count):
            return
        cache.forget(video)
    if cache.full or (total := count()) < cut.least_frames:  # whoever cuts it says so
        return
    with suppress(NoRoom), opening() as decoding, cache.writing(video, path) as writer:
        for field in _all_fields(decoding, total, cut):
            writer.add(field.levels[0].numpy(), early_stopped=field.stopped)
            decoding.on_progress()


def _all_fields(decoding: ForwardVideo, total: int, cut: FieldCut) -> Iterator[Field]:
    computing = FieldQueue(cut)
    last: Tensor | None = None
    for index, image in enumerate(decoding.frames(np.arange(total))):
        frame = grey(torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None])
        if last is not None:
            yield from computing.add(index - 1, last, frame)
        last = frame
    yield from computing.rest()


class CachedFlowCutter(Cutter[Tensor]):
    """Gives what `FlowCutter` gives, without a frame: the fields are in the cache.

    Attributes:
        fields: how many the cache has of the video.
    """

    def __init__(
        self, cut: FieldCut, cache: FlowCache, plan: np.ndarray, video: str, path: str
    ) -> None:
        self.frames = np.empty(0, np.int64)
        self._cut, self._cache, self._plan = cut, cache, plan
        self._video, self._path = video, path
        with cache.reading(video) as h5:
            self.fields = len(h5["levels"])

    def take(self, index: int, image: Tensor) -> Iterator[Tensor]:
        raise ValueError(f"no frame is needed, and {index} came")

    def rest(self) -> Iterator[Tensor]:
        joiner = Joiner(self._cut, self._plan)
        needed = np.unique(self._plan)
        needed = needed[needed < self.fields]
        with self._cache.reading(self._video, self._path) as h5:
            self.early_stopped = int(early_stopped(h5)[needed].sum())
            for index in needed.tolist():
                field = torch.from_numpy(h5["levels"][index])[None]  # [1, 2, 256, 340]
                yield from joiner.add(index, self._cut.pieces(field, self._video)[0])
        yield from joiner.rest()
