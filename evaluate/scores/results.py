"""The results of scored groups, computed once for all tables and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...cache import InputError
from ..runs.groups import Group, Scores
from ..runs.names import row_name
from .baselines import Baseline, baseline_of
from .choices.epochs import EpochChoices, choose_epochs
from .metrics import class_accuracies, confusion
from .paired import Comparison, compare


@dataclass(frozen=True, eq=False)
class Result:
    """One scored group.

    Args:
        group: of runs.
        name: its row's in every table.
        scores: at the last epoch.
        epochs: accuracies at other epochs than the last.
        comparison: with the baseline; None where there is no comparable run of it.
        remark: why there is no comparison, or which of several baselines it is with; else empty.
        confusion: true by predicted class, summed over seeds, [C, C].
    """

    group: Group
    name: str
    scores: Scores
    epochs: EpochChoices
    comparison: Comparison | None
    remark: str
    confusion: np.ndarray = field(repr=False)

    @property
    def class_accuracy(self) -> np.ndarray:
        """Mean over seeds, [C]; NaN where the target has no test video of a class."""
        return class_accuracies(self.confusion)

    @property
    def class_videos(self) -> np.ndarray:
        """Test videos of each class, [C]."""
        return self.confusion.sum(1) // len(self.group.runs)


def results_of(groups: Sequence[Group], baseline: str = "source_only") -> list[Result]:
    """Compute the results of the groups that have scores, each compared with the baseline where
    both have runs on the same data under equal training options.

    Args:
        groups: of which those without scores are left out.
        baseline: a method.
    """
    groups = [group for group in groups if group.scores]
    return [
        _result(group, scores, groups, baseline)
        for group in groups
        if (scores := group.scores) is not None
    ]


def check_baseline(groups: Sequence[Group], baseline: str) -> None:
    """Refuse a baseline, other than the default, that no group has.

    Raises:
        InputError: names the methods that there are.
    """
    methods = sorted({group.method for group in groups})
    if baseline not in (*methods, "source_only"):
        raise InputError(
            f"no run of the baseline {baseline} is among those named, only of "
            f"{', '.join(methods)}: choose one of these (baseline=, --baseline)"
        )


def result_notes(results: Sequence[Result]) -> list[str]:
    """Notes on the comparisons: which baseline was taken or why there is none, and which seeds were
    compared where not all were."""
    notes = []
    for result in results:
        group, comparison = result.group, result.comparison
        if result.remark:
            row = f"{group.dataset}, {result.name}, {group.modality}, K = {group.segments}"
            notes.append(f"{row}: {result.remark}.")
        if comparison and set(comparison.seeds) != {*group.seeds, *comparison.baseline.seeds}:
            seeds = " ".join(map(str, comparison.seeds))
            notes.append(
                f"{group.dataset}, {group.label}: compared with {comparison.baseline.label} on the "
                f"seeds that both have, {seeds}."
            )
    return notes


def _result(group: Group, scores: Scores, groups: Sequence[Group], baseline: str) -> Result:
    other: Baseline = baseline_of(group, groups, baseline)
    counts = np.zeros((len(group.classes),) * 2, int)
    for predicted in scores.predicted:
        counts += confusion(predicted, scores.truth, len(group.classes))
    return Result(
        group=group,
        name=row_name(group, groups),
        scores=scores,
        epochs=choose_epochs(group),
        comparison=compare(group, other.group) if other.group else None,
        remark=other.remark,
        confusion=counts,
    )
