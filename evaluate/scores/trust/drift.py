"""How the scores of the target's videos differ from those of the source's."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..unlabelled import Unlabelled


@dataclass(frozen=True, eq=False)
class ScoreDrift:
    """The highest calibrated score of each video, each seed by itself.

    Args:
        source: of the source's validation videos, [S m].
        target: of the target's test videos, [S n].
    """

    source: np.ndarray = field(repr=False)
    target: np.ndarray = field(repr=False)


def score_drift(result: Unlabelled) -> ScoreDrift | None:
    """Of a group's last epochs; None where a run kept no source video for validation."""
    runs = result.group.runs
    if any("source_val" not in run.predictions for run in runs):
        return None

    def highest(logits: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([result.calibration.probabilities(one).max(-1) for one in logits])

    return ScoreDrift(
        source=highest([run.predictions["source_val"].logits[-1] for run in runs]),
        target=highest([run.test.logits[-1] for run in runs]),
    )
