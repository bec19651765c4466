"""Group runs that differ in the seed alone, and score each group."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...adapt.methods import entry, names
from ...cache import InputError
from ..runs.read import flatten, what_counts
from ..scores.intervals import accuracy_interval
from ..scores.metrics import accuracy, mean_class_accuracy
from .read import Run
from .truth import TrueClasses

_SHARED = "shared classes"  # what `adapt` calls a task that no file defines


@dataclass(frozen=True)
class Scores:
    """Accuracies of one group of runs on the labelled target test videos.

    Args:
        truth: class of each of them, [n].
        predicted: class by each seed, [seeds, n].
        accuracy, mean_class: per seed, [seeds].
        interval: 95 % interval of the mean accuracy.
    """

    truth: np.ndarray
    predicted: np.ndarray
    accuracy: np.ndarray
    mean_class: np.ndarray
    interval: tuple[float, float]

    @property
    def correct(self) -> np.ndarray:
        """Which videos each seed got right, [seeds, n] bool."""
        return self.predicted == self.truth

    @property
    def videos(self) -> int:
        return len(self.truth)


@dataclass(frozen=True)
class Group:
    """Runs of one setting.

    Args:
        runs: by rising seed.
        truth: class of each target test video, [n], -1 where unknown.
        scores: at the last epoch; None where no label is known.
    """

    runs: tuple[Run, ...]
    truth: np.ndarray
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
        return entry(self.method).title if self.method in names() else self.method

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
    def dataset(self) -> str:
        """``source -> target``, and the task where it has a name."""
        task = self.first.data["task"]
        return self.transfer if task == _SHARED else f"{self.transfer}, {task}"

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(run.seed for run in self.runs)

    @property
    def reads_target_labels(self) -> bool:
        """Whether the method trains on them: an upper bound, no adaptation."""
        known = self.method in names()
        return known and entry(self.method).method.reads_target_labels

    @property
    def conditions(self) -> dict[str, str]:
        """By name, what groups must have in common to stand in the same comparison."""
        config, data = self.first.config, self.first.data
        train = flatten(config["train"], "train")
        return {
            "source features": data["source_sha256"],
            "target features": data["target_sha256"],
            "classes": json.dumps([data["classes"], data["target_map"]]),
            "modality": config["modality"],
            "segments": str(config["segments"]),
            **{key: json.dumps(value) for key, value in sorted(train.items())},
        }

    @property
    def comparable(self) -> tuple[tuple[str, str], ...]:
        """Groups with equal values stand in the same comparison."""
        return tuple(self.conditions.items())


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
    target = TrueClasses("target", features)
    scored = []
    for members in groups.values():
        members.sort(key=lambda run: run.seed)
        for a, b in zip(members, members[1:], strict=False):
            if a.seed == b.seed:
                raise InputError(f"{a.path} and {b.path} are the same run: name one of them")
        truth = target.of(members[0], members[0].test)
        scored.append(Group(tuple(members), truth, score(members, truth)))
    order = {group.comparable: n for n, group in reversed(list(enumerate(scored)))}
    return sorted(scored, key=lambda g: (order[g.comparable], g.method != "source_only"))


def score(
    runs: Sequence[Run], truth: np.ndarray, epochs: Sequence[int] | None = None
) -> Scores | None:
    """Score runs on the same videos.

    Args:
        runs: one per seed.
        truth: true classes [n], -1 where unknown.
        epochs: the index of each run's evaluation that counts; None for the last.

    Returns:
        the scores; None where no label is known.
    """
    known = truth >= 0
    if not known.any():
        return None
    truth = truth[known]
    epochs = [-1] * len(runs) if epochs is None else epochs
    predicted = np.stack(
        [run.test.logits[e].argmax(1)[known] for run, e in zip(runs, epochs, strict=True)]
    )  # [seeds, n]
    return Scores(
        truth=truth,
        predicted=predicted,
        accuracy=np.array([accuracy(p, truth) for p in predicted]),
        mean_class=np.array([mean_class_accuracy(p, truth) for p in predicted]),
        interval=accuracy_interval(predicted == truth),
    )


def folder_names(groups: Sequence[Group]) -> list[str]:
    """A name per group: its run folder's without the seed, after the folders above as far as runs
    of one name lie in several."""
    names = [group.first.path.name.removesuffix(f"_seed{group.first.seed}") for group in groups]
    if len(set(names)) == len(names):
        return names
    above = [group.first.path.parent.resolve() for group in groups]
    common = os.path.commonpath(above)
    return [
        "_".join([*folder.relative_to(common).parts, name])
        for folder, name in zip(above, names, strict=True)
    ]
