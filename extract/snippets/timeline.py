"""When a video's frames are shown, and which of them are there at moments of a steady rate.

A clip model was trained on frames of a certain rate. Its snippets are cut from a video as if that
had this rate, as torchvision's ``VideoClips`` does: at each moment the frame that is shown then.
So videos of any rate, and of one that varies, give the same moments of the same scene.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ...cache.common.counts import counted
from ...cache.common.short import short_repr
from ...cache.parts import rounded

_ROUNDED = 0.001  # seconds to which containers such as Matroska round time stamps


@dataclass(frozen=True)
class Timeline:
    """The frames of a video, or of a window of one.

    Args:
        count: how many, T, at least 1.
        times: when each is shown, [T] seconds; None, or NaN in it, where nobody knows.
        end: when the last one ends, in seconds.
    """

    count: int
    times: np.ndarray | None = field(default=None, compare=False)
    end: float = field(default=0.0, compare=False)

    __repr__ = short_repr

    @property
    def is_timed(self) -> bool:
        """Whether it is known when every frame is shown."""
        return self.times is not None and not np.isnan(self.times).any()

    def moments(self, rate: float) -> int:
        """How many moments of ``rate`` frames per second there are from the first frame's start to
        the last one's end, at least 1."""
        places = self._places()
        lasting = max(self.end, places[-1]) - places[0] - _ROUNDED
        return max(1, math.ceil(lasting * rate))

    def frames_at(self, moments: np.ndarray, rate: float) -> np.ndarray:
        """The frame that is shown at each moment: the last one that starts at it or before.

        Args:
            moments: of any shape, counted from the first frame on.
            rate: of the moments, per second.

        Returns:
            frame indices of the same shape, int64.
        """
        places = self._places()
        shown_by = rounded(places[0] + moments / rate + _ROUNDED)
        return np.searchsorted(places, shown_by, side="right") - 1

    def cut(self, first: int, stop: int) -> Timeline:
        """The frames from ``first`` to ``stop``, without that itself."""
        if self.times is None:
            return Timeline(stop - first)
        end = self.end if stop == self.count else float(self.times[stop])
        return Timeline(stop - first, self.times[first:stop], end)

    def _places(self) -> np.ndarray:
        """Times that do not decrease: one that falls behind belongs to where the video is."""
        assert self.times is not None
        return np.maximum.accumulate(rounded(self.times))


def untimed_note(videos: int, rate: float) -> str:
    """Say what clips at a rate are of videos without time stamps.

    Args:
        videos: how many there are, at least 1.
        rate: of the clips, frames per second.
    """
    return (
        f"{counted(videos, 'video')} without time stamps, as folders of frames are: their clips "
        f"are of consecutive frames, as if these came at {rate:g} per second."
    )
