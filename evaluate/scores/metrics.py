"""Accuracies of predicted classes."""

from __future__ import annotations

import numpy as np


def accuracy(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Share of correct predictions, as TA3N counts it; ``predicted`` and ``truth`` [n]."""
    return float(np.mean(predicted == truth))


def mean_class_accuracy(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Mean of the accuracies of all classes that occur, as TSN counts it; both [n]."""
    return float(np.mean([np.mean(predicted[truth == c] == c) for c in np.unique(truth)]))


def confusion(predicted: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """How many videos of each true class (row) got each prediction (column), [C, C]."""
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (truth, predicted), 1)
    return counts


def class_accuracies(counts: np.ndarray) -> np.ndarray:
    """Share of correct predictions per class, [C]; NaN where a class has no video.

    Args:
        counts: `confusion`, [C, C].
    """
    videos = counts.sum(1).astype(float)
    videos[videos == 0] = np.nan
    return counts.diagonal() / videos
