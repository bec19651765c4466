"""Predictions and label-free scores of groups whose target has no labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import softmax

from ..runs.groups import Group
from ..runs.names import row_name
from .label_free import confident_share, mean_entropy, mutual_information


@dataclass(frozen=True)
class Prediction:
    """What a group predicts for a target video.

    Args:
        video: its id.
        label: the class of the highest mean probability over seeds.
        probability: that probability.
    """

    video: str
    label: str
    probability: float


@dataclass(frozen=True)
class Unlabelled:
    """What is known of a group without target labels; scores are means over its seeds.

    Args:
        group: of runs.
        name: its row's.
        predictions: of every target test video.
        entropy: mean entropy of the predictions, in nats.
        mutual_information: entropy of the mean prediction less the mean entropy, in nats.
        confident: share of predictions with a probability of at least 0.9.
    """

    group: Group
    name: str
    predictions: tuple[Prediction, ...] = field(repr=False)
    entropy: float
    mutual_information: float
    confident: float


def unlabelled_results(groups: Sequence[Group]) -> list[Unlabelled]:
    """Predictions and scores of each group."""
    found = []
    for group in groups:
        logits = [run.test.logits[-1] for run in group.runs]  # each [n, C]
        found.append(
            Unlabelled(
                group=group,
                name=row_name(group, groups),
                predictions=_predictions(group, logits),
                entropy=float(np.mean([mean_entropy(one) for one in logits])),
                mutual_information=float(np.mean([mutual_information(one) for one in logits])),
                confident=float(np.mean([confident_share(one) for one in logits])),
            )
        )
    return found


def _predictions(group: Group, logits: Sequence[np.ndarray]) -> tuple[Prediction, ...]:
    p = np.mean([softmax(one, axis=1) for one in logits], axis=0)  # [n, C]
    return tuple(
        Prediction(video, group.classes[row.argmax()], float(row.max()))
        for video, row in zip(group.first.test.ids, p, strict=True)
    )
