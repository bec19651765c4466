"""The label that a group of runs gives each target video, and what speaks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...runs.groups import Group
from .calibration import Calibration

# A label that fewer of the methods give, or that has a lower score, is worth a look. Chosen on
# synthetic worlds, docs/evaluation.md says what it covers.
AGREED, SURE = 0.75, 0.7


@dataclass(frozen=True, kw_only=True)
class VideoLabel:
    """What a group predicts for a target video. Every share is in [0, 1].

    Args:
        video: its id.
        label: the class of the highest mean probability over seeds.
        score: that probability, calibrated on the source: on the target mostly too high.
        seeds_agree: share of the group's seeds that give the label; None of a single seed.
        methods_agree: share of the comparable methods, this one included, that give the label, each
            by the share of its seeds; None of a single method.
        source_distance: as `source_distances`; None where features cannot be read.
        methods_label: the class of the highest mean probability over these methods, each by the
            mean of its seeds and calibrated by itself; None of a single method.
        methods_score: that probability.
    """

    video: str
    label: str
    score: float
    seeds_agree: float | None
    methods_agree: float | None
    source_distance: float | None
    methods_label: str | None = None
    methods_score: float | None = None

    @property
    def look(self) -> bool:
        """Whether a person should look at this one: the methods, or of a single method the seeds,
        disagree, or the score is low."""
        agree = self.seeds_agree if self.methods_agree is None else self.methods_agree
        return self.score < SURE or (agree is not None and agree < AGREED)

    @property
    def doubt(self) -> tuple[bool, float]:
        """A key that rises from the most doubtful label."""
        return not self.look, self.score

    @property
    def fields(self) -> dict[str, Any]:
        """All of it, under the names that csv and JSON have for it."""
        return {
            "video": self.video,
            "class": self.label,
            "score": self.score,
            "seeds_agree": self.seeds_agree,
            "methods_agree": self.methods_agree,
            "methods_class": self.methods_label,
            "methods_score": self.methods_score,
            "source_distance": self.source_distance,
            "look": self.look,
        }


def label_videos(
    group: Group,
    groups: Sequence[Group],
    calibrations: Mapping[Group, Calibration],
    distances: Mapping[str, float],
) -> tuple[VideoLabel, ...]:
    """Label the target's test videos by the mean of a group's seeds.

    Args:
        group: of runs.
        groups: all groups; the comparable ones that train on no target labels vote.
        calibrations: of all groups.
        distances: from the source, by the video's id; may be empty.
    """
    logits = _logits(group)  # [S, n, C]
    p = _probabilities(group, calibrations)  # [n, C]
    labels = p.argmax(1)  # [n]
    seeds = _share(logits, labels) if len(logits) > 1 else None
    voters = [other for other in groups if _votes(other, group)]
    methods = mean = None
    if len(voters) > 1:
        methods = np.mean([_share(_logits(other), labels) for other in voters], 0)  # [n]
        mean = np.mean([_probabilities(other, calibrations) for other in voters], 0)  # [n, C]
    return tuple(
        VideoLabel(
            video=video,
            label=group.classes[labels[n]],
            score=float(p[n, labels[n]]),
            seeds_agree=None if seeds is None else float(seeds[n]),
            methods_agree=None if methods is None else float(methods[n]),
            source_distance=distances.get(video),
            methods_label=None if mean is None else group.classes[mean[n].argmax()],
            methods_score=None if mean is None else float(mean[n].max()),
        )
        for n, video in enumerate(group.first.test.ids)
    )


def _votes(other: Group, group: Group) -> bool:
    alike = other.comparable == group.comparable and other.first.test.ids == group.first.test.ids
    return alike and not other.reads_target_labels


def _logits(group: Group) -> np.ndarray:
    """Of all seeds at the last epoch, [S, n, C]."""
    return np.stack([run.test.logits[-1] for run in group.runs])


def _probabilities(group: Group, calibrations: Mapping[Group, Calibration]) -> np.ndarray:
    """The mean of all seeds, [n, C]."""
    return calibrations[group].probabilities(_logits(group)).mean(0)


def _share(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Share of the seeds of logits [S, n, C] that give the labels [n], [n]."""
    return (logits.argmax(2) == labels).mean(0)
