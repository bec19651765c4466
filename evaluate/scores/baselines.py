"""Which group each group is compared with, and remarks on the choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..runs.groups import Group


class Baseline(NamedTuple):
    """What a group is compared with: ``group``, None where nothing fits, and ``remark``, which says
    why nothing fits or which of several was taken; else it is empty."""

    group: Group | None
    remark: str = ""


def baseline_of(group: Group, groups: Sequence[Group], method: str = "source_only") -> Baseline:
    """The group of the method ``method`` that a group is compared with.

    Of several it is the one with the most seeds in common, the first named where they are equal.
    Groups of the method itself are compared with nothing.
    """
    baselines = [other for other in groups if other.method == method]
    if group.method == method or not baselines:
        return Baseline(None)
    fitting = [other for other in baselines if other.comparable == group.comparable]
    if not fitting:
        keys = min((_differences(group, other) for other in baselines), key=len)
        return Baseline(
            None, f"no comparable run of {method}: those named differ in {', '.join(keys)}"
        )
    shared = [len(set(group.seeds) & set(other.seeds)) for other in fitting]
    if not max(shared):
        return Baseline(None, f"no seed in common with the comparable runs of {method}")
    chosen = fitting[shared.index(max(shared))]
    if len(fitting) == 1:
        return Baseline(chosen)
    return Baseline(
        chosen, f"compared with {method} of {chosen.folder}, one of {len(fitting)} that fit"
    )


def _differences(group: Group, other: Group) -> list[str]:
    """Names of the conditions in which the groups differ."""
    a, b = group.conditions, other.conditions
    return [key for key in a | b if a.get(key) != b.get(key)]
