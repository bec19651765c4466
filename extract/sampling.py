"""Which frames of a video become snippets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sampling:
    """``uniform:COUNT`` spreads COUNT snippets evenly, ``stride:STEP`` takes each STEP-th frame."""

    rule: str
    value: int

    def __str__(self) -> str:
        return f"{self.rule}:{self.value}"

    def frames(self, total: int) -> np.ndarray:
        """Centre frames of the snippets of a video.

        ``uniform`` gives the centre of each of COUNT equal parts, fewer where the video is
        shorter than COUNT: no frame is stored twice.

        Args:
            total: frames in the video, at least 1.

        Returns:
            increasing frame indices, [n] int64.
        """
        if self.rule == "stride":
            return np.arange((self.value - 1) // 2 if total >= self.value else 0, total, self.value)
        count = min(self.value, total)
        return (2 * np.arange(count) + 1) * total // (2 * count)  # floor((j + 1/2) total / count)
