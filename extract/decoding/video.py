"""What every decoder offers: one forward pass over a video."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterator

import numpy as np


class DecodeError(RuntimeError):
    """A video that cannot be decoded; the message says why."""

    @classmethod
    def of(cls, error: Exception) -> DecodeError:
        """The error itself, or one line about an error that no decoder foresaw."""
        if isinstance(error, cls):
            return error
        return cls(f"{type(error).__name__}: {error}".partition("\n")[0])


class ForwardVideo(ABC):
    """A video that is read once, from start to end.

    Args:
        on_progress: called after every few frames, wanted or not.

    Attributes:
        decoder: its name.
        fps: frames per second, 0 where unknown.
        expected: how many frames there seem to be; only a guess until everything is decoded.
        total: frames decoded so far; the true number once `frames` has ended.
        times: when each of these is shown, in seconds from the start of the file as players and
            ffmpeg's -ss count them; NaN where unknown.
        duration: when the last of them ends, in seconds; 0 where unknown.
    """

    decoder: str
    fps: float = 0.0
    expected: int = 0
    total: int = 0
    duration: float = 0.0

    def __init__(self, on_progress: Callable[[], None]) -> None:
        self.on_progress = on_progress
        self.times = array("d")

    @abstractmethod
    def frames(self, wanted: np.ndarray | None) -> Iterator[np.ndarray]:
        """Decode everything in order and give the frames wanted that there are.

        Args:
            wanted: increasing frame indices [n]; None for every frame.

        Yields:
            [H, W, 3] uint8 RGB, upright.
        """

    def count(self) -> int:
        """Decode everything, for the number of frames alone."""
        for _ in self.frames(np.empty(0, np.int64)):
            pass
        return self.total

    def announced_times(self) -> tuple[np.ndarray, float]:
        """When the frames seem to be shown, [n] seconds, and when the last of them ends: only a
        guess until everything is decoded."""
        lasting = 1 / self.fps if self.fps else math.nan
        return np.arange(self.expected) * lasting, self.expected * lasting

    def number(self, index: int) -> int:
        """What a part of the video, such as ``#frames=100-199``, calls frame ``index``."""
        return index

    @property
    @abstractmethod
    def damage(self) -> str:
        """What was found broken so far, in a few words; "" for a sound video."""

    @abstractmethod
    def close(self) -> None:
        """Release the file."""

    def __enter__(self) -> ForwardVideo:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
