"""A method compared with a baseline on the same videos."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.stats import binomtest

from ..runs.groups import Group
from .intervals import difference_interval


@dataclass(frozen=True)
class McNemar:
    """Exact McNemar test of one run against another on the same videos.

    Args:
        gained: videos that it alone gets right.
        lost: videos that the other alone gets right.
        p: two-sided probability of a split as uneven as ``gained`` to ``lost`` if both were
            equally good (binomial with 1/2); 1 where there is no such video.
    """

    gained: int
    lost: int
    p: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """A group of runs against a baseline, seed by seed.

    Args:
        baseline: the other group.
        seeds: that both have, [S].
        differences: of the accuracies, [S].
        class_differences: of each class's accuracy, mean over seeds, [C]; NaN where no test video
            is of the class.
        interval: 95 % interval of the mean difference.
        tests: of each seed, [S].
        videos: tested on.
    """

    baseline: Group
    seeds: tuple[int, ...]
    differences: np.ndarray = field(repr=False)
    class_differences: np.ndarray = field(repr=False)
    interval: tuple[float, float]
    tests: tuple[McNemar, ...]
    videos: int

    @property
    def difference(self) -> float:
        """Mean over seeds."""
        return float(self.differences.mean())

    @property
    def clips(self) -> float:
        """The mean difference in videos."""
        return self.difference * self.videos


def mcnemar(correct: np.ndarray, baseline: np.ndarray) -> McNemar:
    """Test whether two runs are equally good, on the same videos.

    Args:
        correct, baseline: which videos each of them gets right, [n] bool.
    """
    gained, lost = int((correct & ~baseline).sum()), int((baseline & ~correct).sum())
    p = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    return McNemar(gained, lost, p)


def compare(group: Group, baseline: Group) -> Comparison | None:
    """Compare scored groups of the same test videos on the seeds that both have.

    Returns:
        the comparison; None where they have no seed in common, or one has no scores.
    """
    if group.scores is None or baseline.scores is None:
        return None
    seeds = tuple(seed for seed in group.seeds if seed in baseline.seeds)
    if not seeds:
        return None
    correct, other = (
        scores.correct[[g.seeds.index(seed) for seed in seeds]]
        for g, scores in ((group, group.scores), (baseline, baseline.scores))
    )  # [S, n]
    differences = correct.astype(int) - other  # [S, n]
    of_class = np.arange(len(group.classes))[:, None] == group.scores.truth  # [C, n]
    videos = np.where(of_class.any(1), of_class.sum(1), np.nan)
    return Comparison(
        baseline=baseline,
        seeds=seeds,
        differences=differences.mean(1),
        class_differences=of_class @ differences.mean(0) / videos,
        interval=difference_interval(differences),
        tests=tuple(mcnemar(a, b) for a, b in zip(correct, other, strict=True)),
        videos=group.scores.videos,
    )
