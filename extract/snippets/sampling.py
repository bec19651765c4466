"""Which frames, or fields of flow, of a video become snippets."""

from __future__ import annotations

import numpy as np

from ...cache.recipe import Sampling


def snippet_frames(
    sampling: Sampling, total: int, *, length: int = 1, positions: int | None = None
) -> np.ndarray:
    """The frames of each snippet of a video.

    With L = 1, ``uniform`` gives the centre of each of COUNT equal parts. With longer snippets it
    spreads those that lie wholly inside the video, as TSN does at test time. There are fewer than
    COUNT where the video has fewer places: no snippet is stored twice. A video shorter than L is
    one snippet that repeats its last frame.

    Args:
        sampling: the rule.
        total: frames in the video, at least 1.
        length: frames that make one snippet, L.
        positions: give only the snippets that evaluation looks at, the central one of each of so
            many equal parts; None for all of them.

    Returns:
        frame indices [n, L] int64, increasing along both axes.
    """
    places, n = _places(total, length), snippet_count(sampling, total, length=length)
    if sampling.rule == "stride":
        starts = _first(places, sampling.value) + sampling.value * np.arange(n)
    else:
        starts = (2 * np.arange(n) + 1) * places // (2 * n)  # floor((j + 1/2) places / n)
    frames = np.minimum(starts[:, None] + np.arange(length), total - 1)  # [n, L]
    if positions is None or positions >= n:
        return frames
    return frames[(2 * np.arange(positions) + 1) * n // (2 * positions)]  # [positions, L]


def snippet_count(
    sampling: Sampling, total: int, *, length: int = 1, positions: int | None = None
) -> int:
    """How many snippets `snippet_frames` gives."""
    places = _places(total, length)
    if sampling.rule == "stride":
        count = len(range(_first(places, sampling.value), places, sampling.value))
    else:
        count = min(sampling.value, places)
    return count if positions is None else min(count, positions)


def centres(frames: np.ndarray) -> np.ndarray:
    """The centre frame of each snippet: [n, L] to [n]."""
    return frames[:, frames.shape[1] // 2]


def _places(total: int, length: int) -> int:
    """How many frames a snippet can start with."""
    return max(total - length + 1, 1)


def _first(places: int, step: int) -> int:
    return (step - 1) // 2 if places >= step else 0
