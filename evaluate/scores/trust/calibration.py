"""Temperature scaling (Guo et al. 2017), fitted on the source's validation videos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, softmax

from ....cache import InputError
from ...runs.read import Run
from ...runs.truth import TrueClasses

_HOTTEST = 100.0


@dataclass(frozen=True)
class Calibration:
    """What a group's logits are divided by before the softmax.

    Args:
        temperature: of the softmax, at least 1.
        videos: of the source that it was fitted on; 0 where it was not fitted and is 1.
        problem: why it was not fitted; else empty.
    """

    temperature: float = 1.0
    videos: int = 0
    problem: str = ""

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Of the classes, from logits [..., C]."""
        return softmax(logits / self.temperature, axis=-1)


def calibrate(runs: Sequence[Run], source: TrueClasses) -> Calibration:
    """Fit one temperature to runs that differ in the seed alone.

    It is right for the source alone: on the target scores stay too high.

    Args:
        runs: all seeds of a group.
        source: the source's true classes.
    """
    if any("source_val" not in run.predictions for run in runs):
        return Calibration(problem="no source video was kept for validation")
    logits, truth = [], []
    for run in runs:
        videos = run.predictions["source_val"]
        try:
            truth.append(source.of(run, videos))
        except InputError as error:
            return Calibration(problem=str(error))
        logits.append(videos.logits[-1])
    if not all(np.isfinite(one).all() for one in logits):
        return Calibration(problem="the logits of a validation video are not finite")
    temperature = fit_temperature(np.concatenate(logits), np.concatenate(truth))
    return Calibration(temperature, len(truth[0]))


def fit_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature of the lowest mean negative log-likelihood, at least 1.

    Below 1 it would raise scores, without bound where every video is classified correctly, as a
    few validation videos often are.

    Args:
        logits: [n, C].
        truth: classes [n].
    """
    logits = logits.astype(float)
    own = logits[np.arange(len(truth)), truth]  # [n]

    def loss(log_temperature: float) -> float:
        t = math.exp(log_temperature)
        return float(np.mean(logsumexp(logits / t, axis=1) - own / t))

    bounds = (0.0, math.log(_HOTTEST))
    found = minimize_scalar(loss, bounds=bounds, method="bounded")
    return math.exp(found.x) if found.fun < loss(0.0) else 1.0
