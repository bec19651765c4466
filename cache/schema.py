"""The feature file's layout: which rows, arrays and attributes it has.

::

    /                attributes: format, format_version
    /videos/         one row per committed video: the fields of `Video`
    /rgb/            features [S, D], or [S, V, D] of snippets in several views, float16 or float32,
                     frame [S] (centre frame of each snippet), time [S] (when it is shown),
                     start [N], count [N] (video n owns snippets start[n] : start[n] + count[n]),
                     attribute: recipe, a `Recipe` as JSON
    /failures/       one row per failed video: video, stage, reason

``N`` videos, ``S`` snippets in all, ``V`` views, ``D`` feature dimensions. Another modality is
another group like ``rgb``: ``flow``, with snippets of its own. Strings are UTF-8; an unknown label
or split is the empty string.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FORMAT = "tcon-features"
FORMAT_VERSION = 3  # 2 has views, and the decoder and damage of each video; 3 one recipe as JSON
SPLITS = ("train", "val", "test", "")
TABLES = ("videos", "failures")  # every other group is a modality


@dataclass(frozen=True)
class Video:
    """One committed video.

    Args:
        id: unique name, its path relative to the list's root, in POSIX form.
        label: class name, "" where unknown.
        split: "train", "val", "test" or "" where the input had no splits.
        path: where the video was read from.
        frames: number of frames that decode.
        fps: frames per second, the mean where they vary; 0 where unknown.
        decoder: that read it, "" where unknown.
        damage: what is broken in it, "" for a sound video.
        early_stopped: pairs of frames, scene cuts and the like, whose flow ran out of iterations.
        duration: when the last frame ends, in seconds from the start of the file; 0 where unknown.
    """

    id: str
    label: str
    split: str
    path: str
    frames: int
    fps: float
    decoder: str = ""
    damage: str = ""
    early_stopped: int = 0
    duration: float = 0.0


@dataclass(frozen=True)
class Failure:
    """One video that could not be processed, at which stage and why."""

    video: str
    stage: str
    reason: str


@dataclass(frozen=True)
class Snippets:
    """The features of one video.

    Args:
        features: [n, D] or [n, V, D].
        frame: the centre frame of each snippet, [n].
        time: when that frame is shown, [n] seconds from the start of the file, NaN where unknown;
            all are unknown if None.
    """

    features: np.ndarray
    frame: np.ndarray
    time: np.ndarray | None = None

    @property
    def times(self) -> np.ndarray:
        """``time``, with NaN where it is None."""
        return np.full(len(self.frame), np.nan) if self.time is None else self.time

    def __repr__(self) -> str:
        return f"Snippets(features {'x'.join(map(str, self.features.shape))})"
