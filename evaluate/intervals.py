"""95 % intervals of an accuracy, or of the difference of two."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

_CELLS = 2**23  # draws times kinds of videos in memory at once


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
    # Videos with equal results are interchangeable: drawing the kinds of them, of which there are
    # few, is drawing the videos.
    kinds, counts = np.unique(values.astype(float), axis=1, return_counts=True)  # [seeds, kinds]
    means = np.empty(draws)
    for chunk in np.array_split(means, -(-draws * kinds.shape[1] // _CELLS)):
        # Drawing with replacement is the same as weighting by multinomial counts.
        by_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=len(chunk)) / seeds
        by_kind = rng.multinomial(videos, counts / videos, size=len(chunk)) / videos
        chunk[:] = np.einsum("ds,dk,sk->d", by_seed, by_kind, kinds, optimize=True)
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)
