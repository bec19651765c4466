"""Clips by request: what the decoding processes of a `ClipLoader` do.

Clips depend on their request alone, so neither the number of processes nor which of them is
quickest changes a byte.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from ....cache import Video
from ....cache.recipe import Views
from ....extract.decoding import open_video
from ....extract.flow.cache import FlowCache
from ....extract.snippets.cutting import Cut
from ....extract.snippets.timeline import Timeline
from ....extract.snippets.views import TrainingCrop
from .cutting import GreyClips, read_clips, training_plan


@dataclass(frozen=True)
class ClipRequest:
    """The clips of one video for one step.

    Args:
        video: its place among the reader's videos.
        positions: where in its segment each snippet starts, n in [0, 1); see `training_plan`.
        seed: of the `TrainingCrop`; None for the centre crop.
    """

    video: int
    positions: tuple[float, ...]
    seed: int | None = None


@dataclass(frozen=True)
class ClipReader:
    """A `decoding.reader.Reader`: one answer to each request.

    Args:
        videos: with their true number of frames.
        cut: how snippets are cut; requests decide its views.
        flow: where the fields of a `FlowCut` come from, for the videos that it holds.
        flip: mirror half of the training crops.
    """

    videos: tuple[Video, ...]
    cut: Cut
    flow: FlowCache | None = None
    flip: bool = True

    def prepare(self) -> None:
        """Compile what cutting needs."""
        self.cut.prepare()

    def read(
        self, request: ClipRequest, *, on_progress: Callable[[], None]
    ) -> Iterator[Tensor | GreyClips]:
        """The clips [n, ...] of a request, as `read_clips` gives them.

        Raises:
            DecodeError: the video does not decode.
        """
        video = self.videos[request.video]
        crop = TrainingCrop(request.seed or 0, self.cut.training_scales, self.flip)
        cut = replace(self.cut, views=Views() if request.seed is None else crop)
        timeline = _timeline(video, on_progress) if cut.rate else Timeline(video.frames)
        plan = training_plan(cut, timeline, np.array(request.positions))  # [n, L]
        yield read_clips(video.path, cut, plan, video.id, flow=self.flow, on_progress=on_progress)


def _timeline(video: Video, on_progress: Callable[[], None]) -> Timeline:
    """When the frames of a video are shown, by its packets: nothing is decoded for that.

    Raises:
        DecodeError: the file cannot be opened as a video.
    """
    with open_video(video.path, on_progress=on_progress) as announced:
        times, end = announced.announced_times()
    if len(times) and not np.isnan(times).any():
        return Timeline(len(times), times, end)
    # No time stamps, or not those of a part: a steady rate, as decoding takes it.
    lasting = 1 / video.fps if video.fps else math.nan
    return Timeline(video.frames, np.arange(video.frames) * lasting, video.frames * lasting)
