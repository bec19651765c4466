"""Everything that is said of scored groups, computed once for all tables and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...cache import InputError
from ..runs.groups import Group
from .baselines import Baseline, baseline_of
from .epochs import EpochChoices, choose_epochs
from .metrics import class_accuracies, confusion
from .paired import Comparison, compare


@dataclass(frozen=True)
class Result:
    """One scored group.

    Args:
        group: with scores.
        epochs: accuracies at other epochs than the last.
        comparison: with the baseline; None where there is no comparable run of it.
        remark: why there is no comparison, or which of several baselines it is with; else empty.
        confusion: true by predicted class, summed over seeds, [C, C].
    """

    group: Group
    epochs: EpochChoices
    comparison: Comparison | None
    remark: str
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


def _result(group: Group, baseline: Baseline) -> Result:
    scores, classes = group.scores, len(group.first.classes)
    return Result(
        group=group,
        epochs=choose_epochs(group),
        comparison=compare(group, baseline.group) if baseline.group else None,
        remark=baseline.remark,
        confusion=sum(confusion(p, scores.truth, classes) for p in scores.predicted),
    )
