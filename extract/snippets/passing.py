"""One pass over a video that cuts snippets for all modalities and windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...cache.common.short import short_repr
from ...cache.parts import Part
from ..decoding import ForwardVideo
from .cutting import Cut, Cutter
from .windows import Span


@dataclass(frozen=True)
class Chunk:
    """Some snippets of a modality, in order: what its cutter gives for a window of a recording, or
    for a whole video, which has no ``part``."""

    part: Part | None
    modality: str
    snippets: Any

    __repr__ = short_repr


@dataclass(frozen=True)
class Passed:
    """Comes after the last chunk of a window.

    Args:
        part: the window.
        early_stopped: pairs of frames whose flow ran out of iterations.
    """

    part: Part | None
    early_stopped: int


def plan_of(cut: Cut, span: Span) -> np.ndarray:
    """The pieces of each snippet of a window, counted from the recording's start, [n, L]."""
    return span.first + cut.plan(span.timeline)


def cut_spans(
    decoding: ForwardVideo, spans: Sequence[Span], cuts: Mapping[str, Cut], video: str, path: str
) -> Iterator[Chunk | Passed]:
    """Decode a video to its end and cut the snippets of windows as their frames come.

    Args:
        decoding: the video, opened.
        spans: the windows, in order; they may overlap.
        cuts: by modality.
        video: the recording's id.
        path: where it is.

    Yields:
        of each window its chunks, then a `Passed`; those of windows that overlap are interleaved.
        Snippets beyond the end of the video are missing.
    """
    waiting = deque(_OpenSpan(span, cuts, video, path) for span in spans)
    frames = [one.frames for one in waiting]
    wanted = np.unique(np.concatenate([np.empty(0, np.int64), *frames]))
    opened: deque[_OpenSpan] = deque()
    # The decoder first: after its last wanted frame it still goes on to the end.
    for image, index in zip(decoding.frames(wanted), wanted.tolist(), strict=False):
        while waiting and waiting[0].span.first <= index:
            opened.append(waiting.popleft())
        while opened and opened[0].span.stop <= index:
            yield from opened.popleft().rest(decoding)
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        for one in opened:
            yield from one.take(index, pixels, decoding)
    for one in (*opened, *waiting):
        yield from one.rest(decoding)


class _OpenSpan:
    """A window and the cutters of its snippets."""

    def __init__(self, span: Span, cuts: Mapping[str, Cut], video: str, path: str) -> None:
        self.span = span
        self._cutters: dict[str, Cutter] = {
            name: cut.cutter(plan_of(cut, span), video, path) for name, cut in cuts.items()
        }
        self._needs = {name: set(c.frames.tolist()) for name, c in self._cutters.items()}

    @property
    def frames(self) -> np.ndarray:
        """The frames that it needs."""
        frames = [cutter.frames for cutter in self._cutters.values()]
        return np.concatenate([np.empty(0, np.int64), *frames])

    def take(self, index: int, pixels: Tensor, decoding: ForwardVideo) -> Iterator[Chunk]:
        """Take a frame [1, 3, H, W], if it is needed; give the snippets that are ready."""
        for name, cutter in self._cutters.items():
            if index in self._needs[name]:
                for snippets in cutter.take(index, pixels):
                    yield Chunk(self.span.part, name, snippets)
                decoding.on_progress()

    def rest(self, decoding: ForwardVideo) -> Iterator[Chunk | Passed]:
        """What is left of it."""
        for name, cutter in self._cutters.items():
            for snippets in cutter.rest():
                decoding.on_progress()
                yield Chunk(self.span.part, name, snippets)
        stopped = sum(cutter.early_stopped for cutter in self._cutters.values())
        yield Passed(self.span.part, stopped)
