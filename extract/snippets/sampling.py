"""Which frames of a video become snippets."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ...cache.errors import InputError


@dataclass(frozen=True)
class Sampling:
    """``uniform:COUNT`` spreads COUNT snippets evenly, ``stride:STEP`` starts one each STEP frames.

    Args:
        rule: "uniform" or "stride".
        value: COUNT or STEP.
        length: frames that make one snippet, L.
    """

    rule: str
    value: int
    length: int = 1

    @classmethod
    def parse(cls, text: str) -> Sampling:
        """Read what ``str`` wrote.

        Raises:
            InputError: anything else.
        """
        if match := re.fullmatch(r"(uniform|stride):([1-9]\d*)", text):
            return cls(match[1], int(match[2]))
        raise InputError(f"sampling '{text}': it is uniform:COUNT or stride:STEP")

    def __str__(self) -> str:
        return f"{self.rule}:{self.value}"

    def frames(self, total: int) -> np.ndarray:
        """Frames of each snippet of a video.

        With L = 1, ``uniform`` gives the centre of each of COUNT equal parts. With longer
        snippets it spreads those that lie wholly inside the video, as TSN does at test time. There
        are fewer than COUNT where the video has fewer places: no snippet is stored twice. A video
        shorter than L is one snippet that repeats its last frame.

        Args:
            total: frames in the video, at least 1.

        Returns:
            frame indices [n, L] int64, increasing along both axes.
        """
        places, n = self._places(total), self.count(total)
        if self.rule == "stride":
            starts = self._first(places) + self.value * np.arange(n)
        else:
            starts = (2 * np.arange(n) + 1) * places // (2 * n)  # floor((j + 1/2) places / n)
        return np.minimum(starts[:, None] + np.arange(self.length), total - 1)

    def count(self, total: int) -> int:
        """How many snippets n a video of ``total`` frames has."""
        places = self._places(total)
        if self.rule == "stride":
            return len(range(self._first(places), places, self.value))
        return min(self.value, places)

    def _places(self, total: int) -> int:
        """Frames that a snippet can start with."""
        return max(total - self.length + 1, 1)

    def _first(self, places: int) -> int:
        return (self.value - 1) // 2 if places >= self.value else 0


@dataclass(frozen=True)
class CentralSampling(Sampling):
    """Of a sampling's snippets those alone that evaluation looks at: the central one of each of
    ``positions`` equal parts, or all where there are not more.

    It is written like the whole sampling: its snippets are the same ones.

    Args:
        positions: at most so many snippets.
    """

    positions: int = 1

    def frames(self, total: int) -> np.ndarray:
        frames, n = self._whole.frames(total), self.count(total)
        return frames[(2 * np.arange(n) + 1) * len(frames) // (2 * n)]  # [n, L]

    def count(self, total: int) -> int:
        return min(self._whole.count(total), self.positions)

    @property
    def _whole(self) -> Sampling:
        return Sampling(self.rule, self.value, self.length)


def centres(frames: np.ndarray) -> np.ndarray:
    """The centre frame of each snippet: [n, L] to [n]."""
    return frames[:, frames.shape[1] // 2]
