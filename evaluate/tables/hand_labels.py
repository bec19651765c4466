"""What a few hand labels say of each group."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ...cache.common.counts import counted
from ..hand_labels.checked import Checked, best
from ..runs.groups import Group
from ..runs.names import full_name
from .layout import Block, Statement, Table, Text, percent, wrapped
from .recommendation import next_step

_MEANING = (
    "The accuracy is estimated on the videos that were drawn at random, by the mean of each "
    "group's seeds; the doubtful ones were chosen because they are hard, and only decide between "
    "groups that tie. Groups whose intervals overlap widely may differ by chance, and the one "
    "chosen by these labels looks a little better on them than it is."
)


def hand_label_blocks(checked: Sequence[Checked], taken: Collection[Group]) -> list[Block]:
    """The estimated accuracy of every group, which is right most often, and how to label videos
    with it; nothing where no hand labels were given.

    Args:
        checked: every group.
        taken: the groups to take.
    """
    if not checked:
        return []
    rows = []
    for one in checked:
        group = one.group
        doubtful = f"{one.doubtful_right} of {one.doubtful_asked}" if one.doubtful_asked else ""
        cells = [one.name, group.modality, group.segments, f"{one.right} of {one.asked}"]
        rows.append([*cells, _estimate(one), doubtful])
    head = ["method", "input", "K", "right", "accuracy (95 %)", "right of the doubtful"]
    steps = [next_step(group) for group in taken if len(taken) == 1 and not group.fusion]
    sentence = Statement(wrapped(_sentence(checked)))
    notes = [*_unanswered(checked[0]), _MEANING]
    return [sentence, *steps, Table(head, rows), *(Text(wrapped(note)) for note in notes)]


def _sentence(checked: Sequence[Checked]) -> str:
    winners, groups = best(checked), [one.group for one in checked]
    first = winners[0]
    asked = counted(first.asked or first.doubtful_asked, "hand label")
    if first.doubtful_asked:
        asked += " drawn at random" if first.asked else " of doubtful videos"
    right = first.right if first.asked else first.doubtful_right
    if len(checked) == 1:
        return f"{first.name} is right on {right} of {asked}."
    names = " and ".join(full_name(one.group, groups) for one in winners)
    are = "are" if len(winners) > 1 else "is"
    tied = first.asked and sum(one.right == right for one in checked) > len(winners)
    how = " (a tie, broken by the doubtful ones)" if tied else ""
    return f"Of {asked}, {names} {are} right most often: {right}{how}."


def _unanswered(one: Checked) -> Iterator[str]:
    if n := one.unanswered:
        drawn = counted(one.asked + n, "video")
        yield (
            f"Of {drawn} drawn at random, {n} {'has' if n == 1 else 'have'} no label: if these are "
            "the hard ones, the accuracies are estimated too high."
        )


def _estimate(one: Checked) -> str:
    if one.accuracy is None or one.interval is None:
        return ""
    low, high = one.interval
    return f"{percent(one.accuracy)} ({percent(low)} to {percent(high)})"
