"""What a run, or the seeds of a group, say about one video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import softmax

from ...cache import Video

AttentionKind = Literal["predicted", "uniform", "none"]


@dataclass(frozen=True, repr=False, eq=False)
class Prediction:
    """What a run, or the mean of a group's seeds, says about one video.

    Args:
        video: what was read.
        classes: their names, [C].
        logits: of the classes, [C].
        frames: the centre frame of each segment's central snippet, [K].
        times: when these are shown, [K] seconds from the start of the video; NaN where unknown.
        attention: weight of each segment, [K], summing to 1; None where all weigh the same.
        segment_logits: of each segment by itself, [K, C]; None where the method does not judge
            segments one by one, and then there is no attention either.
        seeds_agree: share of a group's seeds that give the label; None of one run.
    """

    video: Video
    classes: tuple[str, ...]
    logits: np.ndarray
    frames: np.ndarray
    times: np.ndarray
    attention: np.ndarray | None
    segment_logits: np.ndarray | None
    seeds_agree: float | None = None

    @property
    def label(self) -> str:
        """The class with the highest score."""
        return self.classes[int(self.logits.argmax())]

    @property
    def score(self) -> float:
        """The highest score, in [0, 1]; that of one run is not calibrated."""
        return float(self.scores.max())

    @property
    def scores(self) -> np.ndarray:
        """Softmax of the logits, [C]."""
        return softmax(self.logits)

    @property
    def best(self) -> list[tuple[str, float]]:
        """Every class with its score, the best first."""
        order = np.argsort(-self.logits, kind="stable")
        return [(self.classes[c], float(self.scores[c])) for c in order]

    @property
    def segment_scores(self) -> np.ndarray | None:
        """Softmax of the segments' logits, [K, C]."""
        return None if self.segment_logits is None else softmax(self.segment_logits, axis=1)

    @property
    def seconds(self) -> np.ndarray | None:
        """``times``; None where one of them is unknown."""
        return None if np.isnan(self.times).any() else self.times

    @property
    def attention_kind(self) -> AttentionKind:
        """Where the weights come from; ``none``: segments have no weights."""
        if self.segment_logits is None:
            return "none"
        return "uniform" if self.attention is None else "predicted"

    @property
    def weights(self) -> np.ndarray | None:
        """Of the segments, [K], equal ones where the attention is uniform; None for ``none``."""
        if self.attention_kind == "uniform":
            return np.full(len(self.frames), 1 / len(self.frames))
        return self.attention

    def __repr__(self) -> str:
        best = ", ".join(f"{name} {score:.1%}" for name, score in self.best[:2])
        return f"Prediction({self.video.id!r}: {best})"
