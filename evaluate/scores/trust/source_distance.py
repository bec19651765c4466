"""How far target videos lie from the source's, beside how far these lie from each other."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from ...runs.embeddings import RunFeatures, cached_means, some

_MOST = 2000  # source videos to compare with


def source_distances(run: RunFeatures) -> dict[str, float]:
    """Of each target test video, the share of the source's training videos that lie nearer to
    their nearest source video than it does: 1 is farther out than all of them.

    Distances are Euclidean between videos' mean standardised features before G_f, which every
    method of a comparison shares. Of many source videos a random subset is taken.

    Args:
        run: a run with its features.
    """
    source, target = run.domains.source_train, run.domains.target_test
    near = cached_means(some(source, _MOST), run.loaded.positions("source"))  # [m, D]
    far = cached_means(target, run.loaded.positions("target"))  # [n, D]
    return dict(zip(target.ids, shares_nearer(near, far).tolist(), strict=True))


def shares_nearer(source: Tensor, target: Tensor) -> np.ndarray:
    """Shares [n] of source rows [m, D] that lie nearer to another source row than each of the
    target rows [n, D] does to its nearest source row."""
    neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(source.numpy())
    own, _ = neighbours.kneighbors()  # [m, 1], of the others
    distances, _ = neighbours.kneighbors(target.numpy())  # [n, 1]
    return np.searchsorted(np.sort(own[:, 0]), distances[:, 0]) / len(own)
