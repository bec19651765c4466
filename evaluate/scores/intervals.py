"""95 % intervals of an accuracy, or of the difference of two."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

_CELLS = 2**20  # draws of seeds times kinds of videos in memory at once


def accuracy_interval(correct: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean accuracy: Wilson's for one seed, else the bootstrap's.

    Where every seed gets all videos right, or all of them wrong, the bootstrap has no width, though
    other videos would be uncertain: then Wilson's, as for one seed.

    Args:
        correct: which videos each seed got right, [seeds, n] bool.
    """
    if len(correct) == 1 or np.ptp(correct.astype(int)) == 0:
        return wilson(int(correct[0].sum()), correct.shape[1])
    return bootstrap(correct)


def difference_interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean paired difference: the bootstrap's.

    Where all differences are equal, as between runs that never differ, it has no width: then the
    difference plus or minus Wilson's upper bound of 0 of n, z^2 / (n + z^2).

    Args:
        differences: 1, 0 or -1 of each seed and video, [seeds, n].
    """
    if np.ptp(differences) == 0:
        at, margin = differences[0, 0], wilson(0, differences.shape[1])[1]
        return max(-1.0, float(at - margin)), min(1.0, float(at + margin))
    return bootstrap(differences)


def wilson(right: int, total: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of one run's accuracy."""
    interval = binomtest(right, total).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def bootstrap(
    values: np.ndarray, *, confidence: float = 0.95, draws: int = 50_000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of a mean over seeds and videos.

    Both are resampled: a small test set is uncertain however many seeds ran, because all of them
    are tested on the same videos.

    Args:
        values: which videos each seed got right, [seeds, n] bool; or the differences (1, 0, -1) of
            two methods on the same seeds and videos, which makes the interval a paired one.
    """
    rng = np.random.default_rng(seed)
    seeds, videos = values.shape
    # Drawing with replacement is the same as weighting by multinomial counts.
    by_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws)  # [draws, seeds]
    drawn, which = np.unique(by_seed, axis=0, return_inverse=True)  # [drawn, seeds], [draws]
    # Given the seeds, videos of equal sums are interchangeable: there are few sums to draw.
    kinds, counts = np.unique(values.astype(int), axis=1, return_counts=True)  # [seeds, kinds]
    least = kinds.min()
    kinds = (kinds - least).astype(np.float32)  # exact, and quick to multiply
    width = int(seeds * kinds.max()) + 1  # sums are 0 to seeds * the largest
    shares = np.empty((len(drawn), width))  # of each sum among the videos
    for rows in np.array_split(np.arange(len(drawn)), -(-len(drawn) * len(counts) // _CELLS)):
        sums = (drawn[rows].astype(np.float32) @ kinds).astype(int)  # [rows, kinds]
        cells = (sums + width * np.arange(len(rows))[:, None]).ravel()
        found = np.bincount(cells, np.tile(counts, len(rows)), len(rows) * width)
        shares[rows] = found.reshape(len(rows), width) / videos
    by_sum = rng.multinomial(videos, shares[which.ravel()])  # [draws, sums]
    means = least + by_sum @ np.arange(width) / (videos * seeds)
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)
