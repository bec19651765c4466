"""Rows compared world by world, with 95 % intervals of their difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from outcomes import CaseOutcome, Outcome

from tcon.evaluate.scores.intervals import difference_interval, wilson

RECOMMENDED = "recommended"
FEWEST = 5  # worlds: of fewer, a percentile interval is too narrow for an answer
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
        """ "yes" where the interval is above 0, "no" where it is below, else "open"; "too few"
        of fewer than `FEWEST` cases."""
        if self.cases < FEWEST:
            return "too few"
        low, high = self.interval
        return "yes" if low > 0 else "no" if high < 0 else "open"


def ran(case: CaseOutcome, row: str) -> bool:
    """Whether a case has an outcome of a row, or of ``recommended``."""
    if row == RECOMMENDED:
        return bool(case.recommended)
    return any(outcome.row == row for outcome in case.outcomes)


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
        cases: some may lack a row, whose run failed.
        row, other: texts of rows, or ``recommended``.
        modality: of both.
        nested: each case has test videos of its own, as worlds do; else all share them.

    Raises:
        ValueError: no case has both.
    """
    both = [case for case in cases if ran(case, row) and ran(case, other)]
    if not both:
        raise ValueError(f"no case has both {row} and {other}")
    return _mean([_by_video(case, row, other, modality) for case in both], nested=nested)


def interaction(
    cases: Sequence[CaseOutcome], others: Sequence[CaseOutcome], row: str, other: str
) -> Difference | None:
    """A row minus another in one kind of world, minus the same in another kind.

    Args:
        cases, others: of both kinds of world, paired by seed; a seed's test videos are those of the
            same clips of the generator in both, so they are paired, too.
        row, other: texts of rows, or ``recommended``.

    Returns:
        None where no seed has both rows in both kinds of world.
    """
    second = {case.seed: case for case in others}
    pairs = [(case, second[case.seed]) for case in cases if case.seed in second]
    pairs = [pair for pair in pairs if all(ran(c, r) for c in pair for r in (row, other))]
    if not pairs:
        return None
    return _mean(
        [_by_video(a, row, other, "rgb") - _by_video(b, row, other, "rgb") for a, b in pairs],
        nested=True,
    )


def across(cases: Sequence[CaseOutcome], others: Sequence[CaseOutcome], row: str) -> Difference:
    """A row in some cases minus the same row in others, which share seeds and all test videos.

    Raises:
        ValueError: no seed has the row in both.
    """
    first, second = (
        {case.seed: correct_videos(outcome_of(case, row)) for case in some if ran(case, row)}
        for some in (cases, others)
    )
    shared = [seed for seed in first if seed in second]
    if not shared:
        raise ValueError(f"no seed has {row} in both")
    return _mean([first[seed] - second[seed] for seed in shared], nested=False)


def _by_video(case: CaseOutcome, row: str, other: str, modality: str) -> np.ndarray:
    """A row minus another of each test video: 1, 0 or -1, [n]."""
    a, b = (correct_videos(outcome_of(case, text, modality)) for text in (row, other))
    return a - b


def _mean(differences: Sequence[np.ndarray], *, nested: bool) -> Difference:
    means = np.array([d.mean() for d in differences])
    interval = (
        nested_interval(differences) if nested else difference_interval(np.stack(differences))
    )
    return Difference(
        mean=float(means.mean()),
        interval=interval,
        better=int((means > 0).sum()),
        worse=int((means < 0).sum()),
        cases=len(differences),
    )


def nested_interval(differences: Sequence[np.ndarray], *, seed: int = 0) -> tuple[float, float]:
    """95 % percentile interval of the mean over worlds of the mean over their videos.

    A hierarchical bootstrap: worlds are drawn with replacement, then the videos of each drawn one.
    Where all differences are equal it has no width; then, as `difference_interval` does, the
    difference plus or minus Wilson's upper bound of 0 of all videos.

    Args:
        differences: whole numbers, of each video of each world.
        seed: of the draws.
    """
    kinds = np.unique(np.concatenate(differences))  # [V]
    if len(kinds) == 1:
        at = float(differences[0][0])
        margin = wilson(0, sum(map(len, differences)))[1]
        return max(-1.0, at - margin), min(1.0, at + margin)
    rng = np.random.default_rng(seed)
    videos = np.array([len(d) for d in differences])  # [W]
    shares = np.array([[(d == kind).mean() for kind in kinds] for d in differences])  # [W, V]
    drawn = rng.integers(len(videos), size=(_DRAWS, len(videos)))  # [draws, W]
    counts = rng.multinomial(videos[drawn], shares[drawn])  # [draws, W, V]
    means = (counts @ kinds / videos[drawn]).mean(1)  # [draws]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
