"""Scores of predictions that need no labels."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax


def mean_entropy(logits: np.ndarray) -> float:
    """Mean entropy of the predictions in nats, logits [n, C]; low is confident."""
    return float(np.mean(_entropy(softmax(logits, axis=1))))


def mutual_information(logits: np.ndarray) -> float:
    """Entropy of the mean prediction less the mean entropy, in nats (Shi and Sha 2012).

    High where single predictions are confident and the classes are all used.
    """
    p = softmax(logits, axis=1)
    return float(_entropy(p.mean(0, keepdims=True))[0]) - float(np.mean(_entropy(p)))


def confident_share(logits: np.ndarray, threshold: float = 0.9) -> float:
    """Share of predictions with a probability of at least ``threshold``."""
    return float(np.mean(softmax(logits, axis=1).max(1) >= threshold))


def _entropy(p: np.ndarray) -> np.ndarray:
    return -(p * np.log(np.clip(p, 1e-12, None))).sum(1)
