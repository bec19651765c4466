"""Where the clips of a domain come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ...cache import Video
from ...extract.clip_loader import ClipLoader
from ...extract.cutting import Cut
from ...extract.flow.cache import FlowCache


@dataclass
class Clips:
    """The clips of one domain; decoding processes start when they are needed, and stay.

    Args:
        videos: all of the feature file.
        cut: how a clip is cut.
        flow: where its flow fields are kept, if they are.
        flip: mirror half of the training clips.
        workers: processes that decode.
        pinned: give clips in memory that a GPU reads quickly.
    """

    videos: Sequence[Video]
    cut: Cut
    flow: FlowCache | None = None
    flip: bool = True
    workers: int = 0
    pinned: bool = False

    @cached_property
    def training(self) -> ClipLoader:
        """For the steps; it goes on while videos are predicted."""
        return self._loader()

    @cached_property
    def predicting(self) -> ClipLoader:
        """For evaluations."""
        return self._loader()

    def _loader(self) -> ClipLoader:
        return ClipLoader(
            self.videos,
            self.cut,
            flow=self.flow,
            flip=self.flip,
            workers=self.workers,
            pinned=self.pinned,
        )
