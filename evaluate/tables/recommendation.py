"""Which method to take, what to do with it, and what labels say of it afterwards."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from ..runs.groups import Group
from ..runs.names import predicting_path
from ..runs.values import as_text
from ..scores.choices.outcomes import Outcome
from ..scores.choices.recommendation import Recommendation
from ..scores.paired import Comparison
from .layout import Block, Statement, Text, wrapped

_MEANING = (
    "Agreement is the share of the target's training videos to which two seeds, or two methods, "
    "give one class. None of this is an accuracy, which nobody knows without labels: methods that "
    "are wrong together agree too."
)


def recommendation_blocks(
    recommendations: Sequence[Recommendation],
    outcomes: Sequence[Outcome] = (),
    *,
    labels_decide: bool = False,
) -> list[Block]:
    """A sentence for each, after its data where there are several, and the next step; nothing where
    there is none.

    Args:
        recommendations: of methods.
        outcomes: what they reach where the target has labels.
        labels_decide: hand labels say what to do next, so that the sentences alone stand here.
    """
    if labels_decide:
        return [Text(wrapped(f"Without these labels: {one}")) for one in recommendations]
    compared: Mapping[Group, Comparison | None] = {o.group: o.comparison for o in outcomes}
    blocks: list[Block] = []
    for one in recommendations:
        where = f"{_where(one.group)}: " if len(recommendations) > 1 else ""
        blocks.append(Statement(wrapped(f"{where}{one}")))
        if comparison := compared.get(one.selection.group):
            blocks.append(Text(wrapped(_hindsight(one, comparison))))
        blocks.append(next_step(one.group))
    return [*blocks, Text(wrapped(_MEANING))] if blocks else []


def next_step(group: Group) -> Text:
    """How to label videos with a group."""
    runs = shlex.quote(str(predicting_path(group)))
    return Text(f"Label videos with it: tcon predict {runs} VIDEOS")


def _hindsight(recommendation: Recommendation, comparison: Comparison) -> str:
    taken, stay = (as_text(c.value) for c in (recommendation.taken, recommendation.baseline))
    low, high = (100 * bound for bound in comparison.interval)
    by = 100 * comparison.difference
    side = "above" if by > 0 else "below"
    apart = f"{abs(by):.1f} points {side}" if by else "exactly as accurate as"
    return (
        f"With the target's labels, which chose nothing: {taken} is {apart} {stay} "
        f"(95 % {low:.1f} to {high:.1f})."
    )


def _where(group: Group) -> str:
    return f"{group.dataset}, {group.modality}, K = {group.segments}"
