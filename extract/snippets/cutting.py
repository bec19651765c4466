"""A modality's snippets, cut from the frames of one pass over a video.

A *piece* is what one frame (RGB) or one field (flow) contributes: its views, cropped, [V, c, S, S].
A snippet is L pieces, in a row or at a rate: channels side by side for an image backbone, a clip
for others.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from ...cache.recipe import Preprocessing, Sampling, Views
from ..decoding import ForwardVideo
from .sampling import centres, snippet_count, snippet_frames
from .timeline import Timeline
from .transforms import resize
from .views import RGB_SCALES, TrainingCrop, crop, crop_boxes

_CHUNK = 4 * 2**20  # bytes given on at once
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Cut(ABC):
    """How a modality's snippets are cut.

    Args:
        sampling: which pieces become snippets.
        preprocessing: of the backbone.
        views: crops and flips of every piece.
        clip: whether a snippet is a clip [V, c, L, S, S], or an image [V, c L, S, S].
        length: pieces of a snippet, L.
        rate: of these, per second of the video; None for pieces in a row, which those of videos
            without time stamps are in any case.
        positions: cut only the snippets that evaluation looks at, the central one of each of so
            many equal parts; None for all of them.
    """

    sampling: Sampling
    preprocessing: Preprocessing
    views: Views | TrainingCrop = Views()
    clip: bool = False
    length: int = 1
    rate: float | None = None
    positions: int | None = None
    channels: ClassVar[int]  # of a piece, c
    training_scales: ClassVar[tuple[float, ...]]  # of its `TrainingCrop`
    least_frames: ClassVar[int] = 1  # that a video needs

    @abstractmethod
    def piece_count(self, total: int) -> int:
        """How many pieces a video of ``total`` frames has, at least 1."""

    def moments(self, timeline: Timeline) -> int:
        """How many moments of its rate, or else pieces, a video has, at least 1."""
        if self.rate and timeline.is_timed:
            return timeline.moments(self.rate)
        return self.piece_count(timeline.count)

    def pieces_at(self, moments: np.ndarray, timeline: Timeline) -> np.ndarray:
        """The pieces of a video at some of its `moments`, of the same shape."""
        if self.rate and timeline.is_timed:
            last = self.piece_count(timeline.count) - 1
            return np.minimum(timeline.frames_at(moments, self.rate), last)
        return moments

    def plan(self, timeline: Timeline) -> np.ndarray:
        """Pieces of each snippet of a video, [n, L], not decreasing along either axis."""
        moments = snippet_frames(
            self.sampling, self.moments(timeline), length=self.length, positions=self.positions
        )  # [n, L]
        return self.pieces_at(moments, timeline)

    def count(self, timeline: Timeline) -> int:
        """How many snippets n a video has."""
        return snippet_count(
            self.sampling, self.moments(timeline), length=self.length, positions=self.positions
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one view of a snippet: a clip [c, L, S, S], or an image [c L, S, S]."""
        length, size = self.length, self.preprocessing.input_size
        front = (self.channels, length) if self.clip else (self.channels * length,)
        return (*front, size, size)

    def centres(self, plan: np.ndarray) -> np.ndarray:
        """The centre frame of each snippet [n]."""
        return centres(plan)

    @property
    @abstractmethod
    def bytes_per_snippet(self) -> int:
        """Bytes that one snippet takes in memory where the video is decoded."""

    def prepare(self) -> None:  # noqa: B027  (most have nothing to prepare)
        """Compile what cutting needs before the first video is timed."""

    def on_threads(self, threads: int) -> Cut:
        """The same, cut by so many threads where that is of use."""
        return self

    def prepare_video(  # noqa: B027
        self, video: str, path: str, opening: Callable[[], ForwardVideo]
    ) -> None:
        """Do what is to be done once with the video at ``path``, which ``opening`` gives, before it
        is cut."""

    @abstractmethod
    def cutter(self, plan: np.ndarray, video: str, path: str) -> Cutter:
        """The cutter of the planned snippets of the video with this id and path."""


class Cutter(ABC, Generic[Answer]):
    """Takes the frames of one video in order and gives snippets; knows nothing of decoding."""

    frames: np.ndarray  # that it needs, increasing
    early_stopped: int = 0  # pairs of frames whose flow ran out of iterations

    @abstractmethod
    def take(self, index: int, image: Tensor) -> Iterator[Answer]:
        """Take frame ``index``, [1, 3, H, W] uint8; give the snippets that are ready."""

    @abstractmethod
    def rest(self) -> Iterator[Answer]:
        """The snippets that are left."""


class FrameCut(Cut):
    """RGB: a piece is a frame."""

    channels: ClassVar[int] = 3
    training_scales: ClassVar[tuple[float, ...]] = RGB_SCALES

    def piece_count(self, total: int) -> int:
        return total

    @property
    def bytes_per_snippet(self) -> int:
        return len(self.views) * math.prod(self.shape)

    def cutter(self, plan: np.ndarray, video: str, path: str) -> FrameCutter:
        return FrameCutter(self, plan, video)


class FrameCutter(Cutter[Tensor]):
    """Gives snippets in chunks, [b, V, 3, S, S] or [b, V, 3, L, S, S] uint8."""

    def __init__(self, cut: FrameCut, plan: np.ndarray, video: str) -> None:
        self.frames = np.unique(plan)
        self._cut, self._video, self._joiner = cut, video, Joiner(cut, plan)

    def take(self, index: int, image: Tensor) -> Iterator[Tensor]:
        resized = resize(image, self._cut.preprocessing)  # [1, 3, h, w]
        height, width = resized.shape[-2:]
        size, mode = self._cut.preprocessing.input_size, self._cut.preprocessing.interpolation
        boxes = crop_boxes(self._cut.views, height, width, size, video=self._video)
        return self._joiner.add(index, crop(resized, boxes, size, mode=mode)[0])

    def rest(self) -> Iterator[Tensor]:
        return self._joiner.rest()


class Joiner:
    """Joins pieces that come in order to the planned snippets, and these to chunks."""

    def __init__(self, cut: Cut, plan: np.ndarray) -> None:
        self._clip, self._plan = cut.clip, plan
        self._most = max(1, _CHUNK // cut.bytes_per_snippet)
        self._pieces: dict[int, Tensor] = {}  # that a coming snippet still needs
        self._chunk: list[Tensor] = []
        self._next = 0  # snippet

    def add(self, index: int, piece: Tensor) -> Iterator[Tensor]:
        """Take piece ``index`` [V, c, S, S]; give a chunk if one is full."""
        plan = self._plan
        self._pieces[index] = piece
        while self._next < len(plan) and plan[self._next, -1] <= index:
            self._chunk.append(join([self._pieces[i] for i in plan[self._next]], clip=self._clip))
            self._next += 1
            if len(self._chunk) == self._most:
                yield from self.rest()
        needed = plan[self._next, 0] if self._next < len(plan) else index + 1
        self._pieces = {i: piece for i, piece in self._pieces.items() if i >= needed}

    def rest(self) -> Iterator[Tensor]:
        """The snippets that fill no chunk."""
        if self._chunk:
            chunk, self._chunk = self._chunk, []
            yield torch.stack(chunk)


def join(pieces: list[Tensor], *, clip: bool) -> Tensor:
    """L pieces [..., c, S, S] as an image [..., c L, S, S], or as a clip [..., c, L, S, S]."""
    return torch.stack(pieces, -3) if clip else torch.cat(pieces, -3)
