"""What a few hand labels say of each group."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ...cache.common.counts import counted
from ..hand_labels.checked import Checked, best
from ..runs.groups import Group
from .layout import Block, Statement, Table, Text, percent, wrapped
from .recommendation import next_step

_MEANING = (
    "The accuracy is estimated on the videos that were drawn at random, by the mean of each "
    "group's seeds; the doubtful ones were chosen because they are hard. Groups whose intervals "
    "overlap widely may differ by chance, and the one chosen by these labels looks a little better "
    "on them than it is."
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
    return [sentence, *steps, Table(head, rows), Text(wrapped(_MEANING))]


def _sentence(checked: Sequence[Checked]) -> str:
    first = checked[0]
    asked = first.asked + first.doubtful_asked
    winners = best(checked)
    names = " and ".join(dict.fromkeys(one.name for one in winners))
    right = winners[0].right + winners[0].doubtful_right
    are = "are" if len(winners) > 1 else "is"
    return f"Of {counted(asked, 'hand label')}, {names} {are} right most often: {right}."


def _estimate(one: Checked) -> str:
    if one.accuracy is None or one.interval is None:
        return ""
    low, high = one.interval
    return f"{percent(one.accuracy)} ({percent(low)} to {percent(high)})"
