"""Choose a method without target labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence

from ....adapt.config.recommended import BASELINE, METHODS
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
    and a tie goes to it; among the others to the first in `METHODS`, else by name. Groups of one
    method with other options are candidates of their own; those that train on target labels are
    none. A method that lacks seeds which source_only shares with others is left out, so that it
    does not cost them these seeds.

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
            named = [(row_name(group, members), group) for group in members]
            named.sort(key=_preference, reverse=True)  # a tie goes to the last
            complete, wanted = _complete(named)
            try:
                selections.append(select_among("method", complete, source, validators))
                others += [_unfinished(*one, wanted) for one in named if one not in complete]
                continue
            except InputError as error:
                why = str(error)
        else:
            why = _missing(members[0], groups)
        rows = ", ".join(row_name(group, members) for group in members)
        others.append(f"{_where(members[0])}, {rows}: no method is chosen: {why}.")
    return selections, others


def _preference(named: tuple[str, Group]) -> tuple[int, str]:
    """Rising from what a tie goes to, whatever the order in which runs are read."""
    name, group = named
    return METHODS.index(group.method) if group.method in METHODS else len(METHODS), name


def _complete(
    named: Sequence[tuple[str, Group]],
) -> tuple[list[tuple[str, Group]], frozenset[int]]:
    """The methods that have all seeds which source_only, the last, shares with another method; and
    these seeds: as many as possible, then those that the most methods have."""
    own = frozenset(named[-1][1].seeds)
    shared = Counter(own.intersection(g.seeds) for _, g in named if g.method != BASELINE)
    wanted = max(shared, key=lambda seeds: (len(seeds), shared[seeds], [-s for s in sorted(seeds)]))
    return [one for one in named if wanted.issubset(one[1].seeds)], wanted


def _unfinished(name: str, group: Group, wanted: frozenset[int]) -> str:
    found = len(wanted.intersection(group.seeds))
    return (
        f"{_where(group)}: {name} has {found} of {len(wanted)} seeds and is left out: finish it "
        "with the same tcon adapt command."
    )


def _where(group: Group) -> str:
    return f"{group.transfer}, {group.modality}, K = {group.segments}"


def _missing(group: Group, groups: Sequence[Group]) -> str:
    """Why a group is in no contest: what it would be compared with is not there."""
    if group.method == BASELINE:
        return "there is no comparable run of another method"
    return baseline_of(group, groups, BASELINE).remark or f"there is no such run of {BASELINE}"
