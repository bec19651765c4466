"""Predictions and label-free scores of groups whose target has no labels."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...cache import InputError
from ..runs.embeddings import Loader
from ..runs.groups import Group
from ..runs.names import row_name
from ..runs.truth import TrueClasses
from .label_free import confident_share, mean_entropy, mutual_information
from .trust.calibration import Calibration, calibrate
from .trust.labels import VideoLabel, label_videos


@dataclass(frozen=True)
class Unlabelled:
    """What is known of a group without target labels; scores are means over its seeds.

    Args:
        group: of runs.
        name: its row's.
        calibration: of its scores.
        labels: of every target test video.
        entropy: mean entropy of the predictions, in nats.
        mutual_information: entropy of the mean prediction less the mean entropy, in nats.
        confident: share of predictions with a probability of at least 0.9.
    """

    group: Group
    name: str
    calibration: Calibration
    labels: tuple[VideoLabel, ...] = field(repr=False)
    entropy: float
    mutual_information: float
    confident: float


def unlabelled_results(
    groups: Sequence[Group], source: TrueClasses, loader: Loader
) -> list[Unlabelled]:
    """Labels and scores of each group.

    Args:
        groups: of runs.
        source: the source's true classes, which scores are calibrated by.
        loader: of the features, which distances from the source are measured on.
    """
    found = []
    calibrations = {group: calibrate(group.runs, source) for group in groups}
    distances: dict[Hashable, Mapping[str, float]] = {}  # the same for comparable groups
    for group in groups:
        if group.comparable not in distances:
            distances[group.comparable] = _distances(group, loader)
        logits = [run.test.logits[-1] for run in group.runs]  # each [n, C]
        found.append(
            Unlabelled(
                group=group,
                name=row_name(group, groups),
                calibration=calibrations[group],
                labels=label_videos(group, groups, calibrations, distances[group.comparable]),
                entropy=float(np.mean([mean_entropy(one) for one in logits])),
                mutual_information=float(np.mean([mutual_information(one) for one in logits])),
                confident=float(np.mean([confident_share(one) for one in logits])),
            )
        )
    return found


def require_unlabelled(results: Sequence[Unlabelled]) -> None:
    """Require groups that hand labels say something of.

    Raises:
        InputError: there are none.
    """
    if not results:
        raise InputError(
            "the target's test videos have labels, and accuracies are scored against these: hand "
            "labels are for an unlabelled target"
        )


def _distances(group: Group, loader: Loader) -> Mapping[str, float]:
    """Of each test video from the source; empty where the features cannot be read."""
    from .trust.source_distance import source_distances  # scikit-learn takes a second to import

    if group.fusion:
        return {}  # of two kinds of features
    run = loader.load_if_readable(group.first)
    return source_distances(run) if run else {}
