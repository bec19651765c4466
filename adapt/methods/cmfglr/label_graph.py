"""A graph of videos that share a label or look alike, and products with its Laplacian.

Never dense: the label part is H H^T with one-hot labels H, the other a few neighbours per video.

Shapes: n videos, C classes, p dimensions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse


class Graph(NamedTuple):
    """The normalised similarity D^-1/2 S D^-1/2 = ``labels labels^T + neighbours``.

    ``labels`` is sparse [n, C], ``neighbours`` sparse and symmetric [n, n].
    """

    labels: sparse.csr_array
    neighbours: sparse.csr_array


def one_hot(labels: np.ndarray, classes: int) -> sparse.csr_array:
    """Class indices [n] as rows of one 1, sparse [n, C]."""
    n = len(labels)
    return sparse.csr_array((np.ones(n), (np.arange(n), labels)), shape=(n, classes))


def mutual_neighbours(x: np.ndarray, k: int) -> sparse.csr_array:
    """Weights exp(-||x_i - x_j||^2 / sigma^2) where i and j are among each other's ``k`` nearest.

    The reference leaves sigma^2 open; here it is the mean squared distance of these pairs.

    Args:
        x: one domain's videos, [n, p].
        k: neighbours of each video, itself left out; n - 1 where there are fewer.

    Returns:
        symmetric, without diagonal, sparse [n, n].
    """
    from sklearn.neighbors import NearestNeighbors  # here, for it slows the start of all commands

    n = len(x)
    if n == 1:
        return sparse.csr_array((1, 1))
    search = NearestNeighbors(n_neighbors=min(k, n - 1)).fit(x)
    distance, index = search.kneighbors()  # [n, k], without the video itself
    mutual = (index[index] == np.arange(n)[:, None, None]).any(2)  # [n, k]
    square = distance[mutual] ** 2
    sigma2 = max(square.sum() / max(len(square), 1), np.finfo(float).tiny)  # copies lie at 0
    row, column = np.nonzero(mutual)[0], index[mutual]
    weights = sparse.csr_array((np.exp(-square / sigma2), (row, column)), shape=(n, n))
    return (weights + weights.T) / 2  # both directions are measured; equal but for rounding


def build_graph(labels: sparse.csr_array, neighbours: sparse.csr_array) -> Graph:
    """S_ij = [same label] + neighbours_ij, normalised by its degrees.

    A video has its own label, so S has a diagonal of ones and no degree is 0.

    Args:
        labels: one-hot, sparse [n, C].
        neighbours: from `mutual_neighbours`, of both domains as diagonal blocks, [n, n].
    """
    degree = labels @ labels.sum(0) + neighbours.sum(1)  # [n]
    scale = sparse.dia_array((degree[None] ** -0.5, [0]), shape=neighbours.shape)
    return Graph((scale @ labels).tocsr(), (scale @ neighbours @ scale).tocsr())


def laplacian_product(graph: Graph, v: np.ndarray) -> np.ndarray:
    """L v with L = I - D^-1/2 S D^-1/2, through the sparse factors; [n, r] to [n, r]."""
    return v - graph.labels @ (graph.labels.T @ v) - graph.neighbours @ v
