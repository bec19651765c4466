"""Pick the weights of the matrix factorisation by cross-validation on the source's labels.

The target's labels have no part in it. What it can tell is limited: the features were trained on
the held-out source videos too, so many weights may do equally well; then the given ones stay.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from .matrix_factorisation import Data, factorise, neighbour_graph
from .weights import Weights

_FOLDS = 3
_FACTORS = (1.0, 0.1, 10.0)  # the given weight first: it wins a tie
_ITERATIONS = 5
_VIDEOS = 1000  # of each domain at most, so that the cost does not grow with the data


def stratified_parts(labels: np.ndarray, parts: int, *, seed: int = 0) -> np.ndarray:
    """Deal the videos of one class after the other to ``parts`` parts, in random order.

    Part sizes differ by one at most, and so do each class's shares of them.

    Returns:
        part of each video, [n].
    """
    random = np.random.default_rng(seed).random(len(labels))
    result = np.empty(len(labels), int)
    result[np.lexsort((random, labels))] = np.arange(len(labels)) % parts
    return result


def select_weights(
    data: Data, pseudo_labels: np.ndarray, weights: Weights, *, rank: int, neighbours: int
) -> Weights:
    """The mu, beta and lambda among 0.1, 1 and 10 times the given that classify the source best.

    Each of 3 stratified folds is held out once and predicted by W of its own projection P_s, after
    5 iterations on the rest and the target. At most 1000 videos of each domain take part: 81 short
    fits, whatever the size of the data.

    Args:
        data, pseudo_labels, rank: as in `factorise`.
        weights: the centre of the grid; returned where the source has less than 3 videos.
        neighbours: of each video in the graph.
    """
    source = _subset(data.labels.indices)  # one class per row
    target = _subset(pseudo_labels)
    data = Data(data.source[source], data.target[target], data.labels[source])
    pseudo_labels, truth = pseudo_labels[target], data.labels.indices
    if len(truth) < _FOLDS:
        return weights
    grid = [
        replace(weights, mu=weights.mu * m, beta=weights.beta * b, lambda_=weights.lambda_ * g)
        for m, b, g in product(_FACTORS, repeat=3)
    ]
    correct = np.zeros(len(grid), int)
    fold = stratified_parts(truth, _FOLDS)
    for held_out in (fold == part for part in range(_FOLDS)):
        kept = data._replace(source=data.source[~held_out], labels=data.labels[~held_out])
        graph = neighbour_graph(kept, neighbours)
        for n, candidate in enumerate(grid):
            *_, last = factorise(
                kept, pseudo_labels, graph, candidate, rank=rank, iterations=_ITERATIONS
            )
            scores = data.source[held_out] @ last.factors.p[0] @ last.factors.w
            correct[n] += (scores.argmax(1) == truth[held_out]).sum()
    return grid[correct.argmax()]


def _subset(labels: np.ndarray) -> np.ndarray:
    """A stratified random subset of at most _VIDEOS videos, [n] bool."""
    return stratified_parts(labels, -(-len(labels) // _VIDEOS)) == 0
