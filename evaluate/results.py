"""Everything that is said of scored groups, computed once for all tables and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..cache import InputError
from .epochs import EpochChoices, choose_epochs
from .metrics import class_accuracies, confusion
from .paired import Comparison, compare
from .summary import Group, baseline_of


@dataclass(frozen=True)
class Result:
    """One scored group.

    Args:
        group: with scores.
        epochs: accuracies at other epochs than the last.
        comparison: with the baseline; None where there is no comparable run of it.
        confusion: true by predicted class, summed over seeds, [C, C].
    """

    group: Group
    epochs: EpochChoices
    comparison: Comparison | None
    confusion: np.ndarray

    @property
    def class_accuracy(self) -> np.ndarray:
        """Mean over seeds, [C]; NaN where the target has no test video of a class."""
        return class_accuracies(self.confusion)

    @property
    def class_videos(self) -> np.ndarray:
        """Test videos of each class, [C]."""
        return self.confusion.sum(1) // len(self.group.runs)


def results_of(groups: Sequence[Group], baseline: str = "source_only") -> list[Result]:
    """Compute the results of scored groups, each compared with the baseline where both have runs
    on the same data under equal training options.

    Args:
        groups: scored.
        baseline: a method.

    Raises:
        InputError: there is no run of a baseline other than the default.
    """
    check_baseline(groups, baseline)
    return [_result(group, baseline_of(group, groups, baseline)) for group in groups]


def check_baseline(groups: Sequence[Group], baseline: str) -> None:
    """Refuse a baseline, other than the default, that no group is of.

    Raises:
        InputError: names the methods that there are.
    """
    methods = sorted({group.method for group in groups})
    if baseline not in (*methods, "source_only"):
        raise InputError(
            f"--baseline {baseline}: no run of it is among those named, only of "
            f"{', '.join(methods)}"
        )


def _result(group: Group, baseline: Group | None) -> Result:
    scores, classes = group.scores, len(group.first.classes)
    return Result(
        group=group,
        epochs=choose_epochs(group),
        comparison=None if baseline is None else compare(group, baseline),
        confusion=sum(confusion(p, scores.truth, classes) for p in scores.predicted),
    )
