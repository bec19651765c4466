"""Accuracy at the last epoch, at one chosen without target labels, and at the oracle's best."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...runs.groups import Group
from ...runs.truth import TrueClasses
from .selection import Candidate, select_epochs
from .validators import DEFAULT


@dataclass(frozen=True, eq=False)
class EpochChoices:
    """Test accuracies of a group's runs at chosen evaluations, per seed [seeds].

    Args:
        label_free_steps, label_free: of the choice of the validator `validators.DEFAULT`; None for
            methods that train on target labels.
        oracle_steps, oracle: of the highest test accuracy. Target labels chose it: not a result.
    """

    label_free_steps: tuple[int, ...] | None
    label_free: np.ndarray | None = field(repr=False)
    oracle_steps: tuple[int, ...]
    oracle: np.ndarray = field(repr=False)


def choose_epochs(group: Group) -> EpochChoices:
    """Choose an evaluation of each run of a scored group.

    Raises:
        InputError: a run whose logits are not finite at any epoch.
    """
    runs = select_epochs([group], TrueClasses("source"), (DEFAULT,))
    label_free = None if group.reads_target_labels else [run.chosen(DEFAULT) for run in runs]
    oracle = [run.oracle for run in runs]

    def steps(choice: list[Candidate]) -> tuple[int, ...]:
        return tuple(c.runs[0].steps[c.epochs[0]] for c in choice)

    def accuracies(choice: list[Candidate]) -> np.ndarray:
        found = zip(runs, choice, strict=True)
        return np.array([run.accuracy[c.epochs[0]] for run, c in found if run.accuracy is not None])

    return EpochChoices(
        label_free_steps=None if label_free is None else steps(label_free),
        label_free=None if label_free is None else accuracies(label_free),
        oracle_steps=steps(oracle),
        oracle=accuracies(oracle),
    )
