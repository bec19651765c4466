"""Rows compared world by world, with 95 % intervals of their difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from outcomes import CaseOutcome, Outcome

from tcon.evaluate.scores.intervals import difference_interval, wilson

RECOMMENDED = "recommended"
_DRAWS = 20_000


@dataclass(frozen=True)
class Difference:
    """A row minus another.

    Args:
        mean: of the accuracies' differences over cases.
        interval: 95 % interval of it.
        better, worse: in how many of the cases it is so.
        cases: how many there are.
    """

    mean: float
    interval: tuple[float, float]
    better: int
    worse: int
    cases: int

    @property
    def verdict(self) -> str:
        """ "yes" where the interval is above 0, "no" where it is below, else "open"."""
        low, high = self.interval
        return "yes" if low > 0 else "no" if high < 0 else "open"


def outcome_of(case: CaseOutcome, row: str, modality: str = "rgb") -> Outcome:
    """A row's outcome; of ``recommended``, that of the row which was chosen.

    Raises:
        KeyError: the case has no such row.
    """
    return case.of(case.recommended if row == RECOMMENDED else row, modality)


def correct_videos(outcome: Outcome) -> np.ndarray:
    """Of each test video, 1 or 0, [n]."""
    return np.array([int(bit) for bit in outcome.correct])


def compare(
    cases: Sequence[CaseOutcome], row: str, other: str, *, modality: str = "rgb", nested: bool
) -> Difference:
    """A row minus another on the cases that have both.

    Args:
        cases: at least one with both rows.
        row, other: texts of rows, or ``recommended``.
        modality: of both.
        nested: each case has test videos of its own, as worlds do; else all share them.
    """
    pairs = [(outcome_of(c, row, modality), outcome_of(c, other, modality)) for c in cases]
    differences = [correct_videos(a) - correct_videos(b) for a, b in pairs]
    means = np.array([d.mean() for d in differences])
    interval = (
        nested_interval(differences) if nested else difference_interval(np.stack(differences))
    )
    return Difference(
        mean=float(means.mean()),
        interval=interval,
        better=int((means > 0).sum()),
        worse=int((means < 0).sum()),
        cases=len(cases),
    )


def nested_interval(differences: Sequence[np.ndarray], *, seed: int = 0) -> tuple[float, float]:
    """95 % percentile interval of the mean over worlds of the mean over their videos.

    A hierarchical bootstrap: worlds are drawn with replacement, then the videos of each drawn one.
    Where all differences are equal it has no width; then, as `difference_interval` does, the
    difference plus or minus Wilson's upper bound of 0 of all videos.

    Args:
        differences: 1, 0 or -1 of each video of each world.
        seed: of the draws.
    """
    if np.ptp(np.concatenate(differences)) == 0:
        at = float(differences[0][0])
        margin = wilson(0, sum(map(len, differences)))[1]
        return max(-1.0, at - margin), min(1.0, at + margin)
    rng = np.random.default_rng(seed)
    videos = np.array([len(d) for d in differences])  # [W]
    shares = np.array([[(d == v).mean() for v in (-1, 0, 1)] for d in differences])  # [W, 3]
    drawn = rng.integers(len(videos), size=(_DRAWS, len(videos)))  # [draws, W]
    counts = rng.multinomial(videos[drawn], shares[drawn])  # [draws, W, 3]
    means = ((counts[..., 2] - counts[..., 0]) / videos[drawn]).mean(1)  # [draws]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
