"""Group runs that differ in the seed alone, and score each group at its last epoch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..adapt.methods import entry, names
from ..adapt.run_folder import what_counts
from ..cache import InputError
from .intervals import bootstrap, wilson
from .metrics import accuracy, mean_class_accuracy
from .runs import Run, target_labels


@dataclass(frozen=True)
class Scores:
    """Accuracies of one group of runs on the labelled target test videos.

    Args:
        correct: which videos each seed got right, [seeds, n] bool.
        accuracy, mean_class: per seed, [seeds].
        interval: 95 % interval of the mean accuracy.
    """

    correct: np.ndarray
    accuracy: np.ndarray
    mean_class: np.ndarray
    interval: tuple[float, float]

    @property
    def videos(self) -> int:
        return self.correct.shape[1]


@dataclass(frozen=True)
class Group:
    """Runs of one setting, ordered by seed; ``scores`` is None where no label is known."""

    runs: tuple[Run, ...]
    scores: Scores | None

    @property
    def first(self) -> Run:
        return self.runs[0]

    @property
    def method(self) -> str:
        return self.first.config["method"]

    @property
    def label(self) -> str:
        """The method's name for people; that of the run where this version does not know it."""
        return entry(self.method).label if self.method in names() else self.method

    @property
    def note(self) -> str:
        """What must be said of the method's numbers; mostly nothing."""
        return entry(self.method).note if self.method in names() else ""

    @property
    def transfer(self) -> str:
        """``source -> target`` by the feature files' names."""
        data = self.first.data
        return f"{Path(data['source']).stem} -> {Path(data['target']).stem}"

    @property
    def comparable(self) -> tuple[str, ...]:
        """Groups with equal values stand in the same comparison."""
        config, data = self.first.config, self.first.data
        return (
            data["source_sha256"],
            data["target_sha256"],
            json.dumps([data["classes"], data["target_map"]]),
            config["modality"],
            str(config["segments"]),
            json.dumps(config["train"], sort_keys=True),
        )


def group_runs(runs: Sequence[Run], features: str | Path | None = None) -> list[Group]:
    """Group and score runs; `source_only` comes first among comparable groups.

    Raises:
        InputError: two runs of a group have the same seed, or the labels cannot be found.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(
            json.dumps(what_counts(run.config) | {"seed": None}, sort_keys=True), []
        ).append(run)
    labels: dict[tuple[str, str], dict[str, str]] = {}  # read and checked once per target
    scored = []
    for members in groups.values():
        members.sort(key=lambda run: run.seed)
        for a, b in zip(members, members[1:], strict=False):
            if a.seed == b.seed:
                raise InputError(f"{a.path} and {b.path} are the same run: name one of them")
        first = members[0]
        target = first.data["target"], first.data["target_sha256"]
        if target not in labels:
            labels[target] = target_labels(first, features)
        index = first.data["target_map"]
        truth = np.array([index.get(labels[target][id_], -1) for id_ in first.test.ids])
        scored.append(Group(tuple(members), score(members, truth)))
    order = {group.comparable: n for n, group in reversed(list(enumerate(scored)))}
    return sorted(scored, key=lambda g: (order[g.comparable], g.method != "source_only"))


def score(runs: Sequence[Run], truth: np.ndarray) -> Scores | None:
    """Score the last epoch of runs on the same videos; ``truth`` [n], -1 where unknown."""
    known = truth >= 0
    if not known.any():
        return None
    truth = truth[known]
    predicted = np.stack([run.test.logits[-1].argmax(1)[known] for run in runs])  # [seeds, n]
    correct = predicted == truth
    one = len(runs) == 1
    return Scores(
        correct=correct,
        accuracy=np.array([accuracy(p, truth) for p in predicted]),
        mean_class=np.array([mean_class_accuracy(p, truth) for p in predicted]),
        interval=wilson(int(correct.sum()), len(truth)) if one else bootstrap(correct),
    )


def baseline_of(group: Group, groups: Sequence[Group], method: str = "source_only") -> Group | None:
    """The baseline that a group is compared with, or None."""
    for other in groups:
        if other.method == method and other.comparable == group.comparable and other is not group:
            return other
    return None
