"""Choose a method without target labels."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

from ....adapt.config.recommended import BASELINE
from ....cache import InputError
from ...runs.groups import Group
from ...runs.names import row_name
from ...runs.truth import TrueClasses
from ..baselines import baseline_of
from .selection import Selection, select_among
from .validators import VALIDATORS


def select_methods(
    groups: Sequence[Group], source: TrueClasses, validators: Collection[str] = tuple(VALIDATORS)
) -> tuple[list[Selection], list[str]]:
    """Among groups that differ in the method alone, score each method at the last epoch.

    What groups must have in common is what the comparison with a baseline asks for
    (`Group.comparable`), and source_only must be among them: to stay with it is always an answer,
    and a tie goes to it. Groups of one method with other options are candidates of their own;
    those that train on target labels are none.

    Args:
        groups: of runs.
        source: the source's true classes.
        validators: to score by.

    Returns:
        a selection for each set of comparable groups, and sentences on the others.
    """
    groups = [group for group in groups if not group.reads_target_labels]
    alike: dict[Hashable, list[Group]] = {}
    for group in groups:
        videos = group.first.predictions["target_train"].ids
        alike.setdefault((group.comparable, videos), []).append(group)
    selections, others = [], []
    for members in alike.values():
        stay = [group for group in members if group.method == BASELINE]
        change = [group for group in members if group.method != BASELINE]
        if stay and change:
            ordered = [*change, *reversed(stay)]  # of several source_only the first comes last
            named = [(row_name(group, members), group) for group in ordered]
            try:
                selections.append(select_among("method", named, source, validators))
                continue
            except InputError as error:
                why = str(error)
        else:
            why = _missing(members[0], groups)
        rows = ", ".join(row_name(group, members) for group in members)
        first = members[0]
        where = f"{first.transfer}, {first.modality}, K = {first.segments}"
        others.append(f"{where}, {rows}: no method is chosen: {why}.")
    return selections, others


def _missing(group: Group, groups: Sequence[Group]) -> str:
    """Why a group is in no contest: what it would be compared with is not there."""
    if group.method == BASELINE:
        return "there is no comparable run of another method"
    return baseline_of(group, groups, BASELINE).remark or f"there is no such run of {BASELINE}"
