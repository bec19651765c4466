"""Scores of predictions that need no target labels."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import softmax

_ROWS = 512  # of the similarity matrix in memory at once


def mean_entropy(logits: np.ndarray) -> float:
    """Mean entropy of the predictions in nats, logits [n, C]; low is confident."""
    return float(np.mean(_entropy(softmax(logits, axis=1))))


def mutual_information(logits: np.ndarray) -> float:
    """Entropy of the mean prediction less the mean entropy, in nats (Shi and Sha 2012).

    High where single predictions are confident and the classes are all used.
    """
    p = softmax(logits, axis=1)
    return float(_entropy(p.mean(0, keepdims=True))[0]) - float(np.mean(_entropy(p)))


def soft_neighbourhood_density(
    logits: np.ndarray, *, temperature: float = 0.05, max_videos: int = 10_000, seed: int = 0
) -> float:
    """SND (Saito et al. 2021): how many neighbours a prediction has, as an entropy in nats.

    A video's neighbour distribution is the softmax over all other videos of the cosine between
    class probabilities, divided by ``temperature``; SND is its mean entropy. High where predictions
    form dense groups. At most log(n - 1), which predictions that are all equal reach.

    Args:
        logits: [n, C].
        temperature: of the softmax.
        max_videos: of more, a random subset of so many is taken: time grows with their square.
        seed: of that subset.
    """
    if len(logits) > max_videos:
        chosen = np.random.default_rng(seed).choice(len(logits), max_videos, replace=False)
        logits = logits[chosen]
    if len(logits) < 2:
        return 0.0  # no neighbours
    p = softmax(logits.astype(float), axis=1)
    p /= np.linalg.norm(p, axis=1, keepdims=True)
    total = 0.0
    for first in range(0, len(p), _ROWS):
        rows = p[first : first + _ROWS]
        # Cosines are at most 1: less 1, their exponentials cannot overflow.
        scores = (rows @ p.T - 1) / temperature  # [rows, n]
        weights = np.exp(scores)
        weights[np.arange(len(rows)), first + np.arange(len(rows))] = 0  # itself is none
        sums = weights.sum(1)
        # sum_j -q_j log q_j with q_j = weights_j / sums
        total += np.sum(np.log(sums) - np.einsum("ij,ij->i", weights, scores) / sums)
    return float(total / len(p))


def ensemble_agreement(logits: np.ndarray) -> np.ndarray:
    """EnsV (Hu et al. 2024): how often each candidate predicts what their ensemble does.

    Args:
        logits: of M candidates on the same videos, [M, n, C].

    Returns:
        shares of the videos, [M].
    """
    ensemble = np.mean([softmax(one, axis=1) for one in logits], axis=0).argmax(1)  # [n]
    return (logits.argmax(2) == ensemble).mean(1)


def pairwise_agreement(logits: np.ndarray) -> float:
    """Share of the videos to which two models give one class, mean over all pairs of models.

    In expectation the share on which two seeds of one training differ is about their error, where
    their ensemble is calibrated (Jiang et al. 2022).

    Args:
        logits: of M models on the same videos, [M, n, C].

    Returns:
        the share; NaN for a single model.
    """
    if len(logits) < 2:
        return math.nan
    predicted = logits.argmax(2)  # [M, n]
    first, second = np.triu_indices(len(predicted), k=1)  # each [M (M - 1) / 2]
    return float((predicted[first] == predicted[second]).mean())


def confident_share(logits: np.ndarray, threshold: float = 0.9) -> float:
    """Share of predictions with a probability of at least ``threshold``."""
    return float(np.mean(softmax(logits, axis=1).max(1) >= threshold))


def _entropy(p: np.ndarray) -> np.ndarray:
    return -(p * np.log(np.clip(p, 1e-12, None))).sum(1)
