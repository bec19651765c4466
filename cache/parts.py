"""``camera1/rec.mp4#t=12.0,16.0``: a part of a recording, written like a video's name.

Seconds are written as W3C's Media Fragments are: from 12.0 up to 16.0, without 16.0 itself;
``#t=596.0`` is the rest from there on. Frames are written ``#frames=100-199``, both included, and
``#frames=900-``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

Unit = Literal["seconds", "frames"]
_NUMBER = r"[0-9]{1,12}"
_SECONDS = re.compile(
    rf"(.+)#t=({_NUMBER}(?:\.[0-9]{{1,3}})?)(?:,({_NUMBER}(?:\.[0-9]{{1,3}})?))?", re.DOTALL
)
_FRAMES = re.compile(rf"(.+)#frames=({_NUMBER})-({_NUMBER})?", re.DOTALL)


@dataclass(frozen=True)
class Part:
    """A part of a recording.

    Args:
        unit: of start and end.
        start: the first second, or the number of the first frame.
        end: the second that it ends before, or the number of its last frame; None for the
            recording's end.
    """

    unit: Unit
    start: float
    end: float | None = None

    def holds(self, place: float) -> bool:
        """Whether a frame of this number, or shown at this second, belongs to it."""
        if self.unit == "frames":
            return self.start <= place and (self.end is None or place <= self.end)
        place = float(rounded(place))
        return self.start <= place and (self.end is None or place < self.end)

    def __str__(self) -> str:
        """What it adds to the recording's name."""
        if self.unit == "seconds":
            return f"#t={_seconds(self.start)}" + (
                "" if self.end is None else f",{_seconds(self.end)}"
            )
        return f"#frames={self.start:.0f}-" + ("" if self.end is None else f"{self.end:.0f}")


def split_part(name: str) -> tuple[str, Part | None]:
    """The recording's name, and which part of it the name means; None for all of it."""
    if match := _SECONDS.fullmatch(name):
        return match[1], Part("seconds", float(match[2]), float(match[3]) if match[3] else None)
    if match := _FRAMES.fullmatch(name):
        return match[1], Part("frames", int(match[2]), int(match[3]) if match[3] else None)
    return name, None


def recording_of(video: str) -> str:
    """The id of the recording that a video is a part of, or else its own."""
    return split_part(video)[0]


def in_time(video: str) -> tuple[str, float]:
    """Sorts ids so that the windows of a recording come in the order of their starts."""
    recording, part = split_part(video)
    return recording, part.start if part else 0.0


def completes(video: str) -> str:
    """What is done with once this video is: of a recording's last window, which is made after all
    others, the recording; of any other video itself."""
    recording, part = split_part(video)
    return recording if part and part.end is None else video


def rounded(seconds: np.ndarray | float) -> np.ndarray:
    """Time stamps to 10 microseconds: containers round the one that a file starts at."""
    return np.round(seconds, 5)


def _seconds(value: float) -> str:
    """With at least one and at most three decimals."""
    text = f"{value:.3f}"
    return text[:-2] + text[-2:].rstrip("0")
