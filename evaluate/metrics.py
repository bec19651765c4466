"""Accuracies of predicted classes."""

from __future__ import annotations

import numpy as np


def accuracy(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Share of right predictions: the convention of TA3N. ``predicted`` and ``truth`` [n]."""
    return float(np.mean(predicted == truth))


def mean_class_accuracy(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the classes that occur of the share of right ones: the convention of TSN."""
    return float(np.mean([np.mean(predicted[truth == c] == c) for c in np.unique(truth)]))
