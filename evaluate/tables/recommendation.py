"""Which method to take, in a sentence with its grounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..runs.values import as_text
from ..scores.choices.recommendation import COLLAPSED, Recommendation
from ..scores.choices.validators import VALIDATORS
from .layout import Block, Bullets, Text

_BECAUSE = {
    "ensv": "it agrees most with all methods together",
    "entropy": "its predictions are the most confident",
    "mutual_information": "its predictions are the most confident for the classes that they use",
    "snd": "its predictions have the densest neighbourhoods",
    "source_accuracy": "it is the most accurate on the source",
}
_MEANING = (
    "Agreement is the share of the target's training videos to which two seeds, or two methods, "
    "give one class. None of this is an accuracy, which nobody knows without labels: methods that "
    "are wrong together agree too."
)


def recommendation_blocks(recommendations: Sequence[Recommendation]) -> list[Block]:
    """A sentence for each, after its data where there are several; nothing where there is none."""
    if not recommendations:
        return []
    if len(recommendations) == 1:
        return [Text(sentence(recommendations[0])), Text(_MEANING)]
    lines = [f"{_where(one)}: {sentence(one)}" for one in recommendations]
    return [Bullets(lines), Text(_MEANING)]


def sentence(recommendation: Recommendation) -> str:
    """What to do and why, never as an accuracy."""
    selection, validator = recommendation.selection, recommendation.validator
    chosen, tied = selection.best(validator)
    last = len(selection.candidates) - 1
    name, stay = _name(recommendation, chosen), _name(recommendation, last)
    own = _score(recommendation, chosen)
    tie = f", {tied} tied" if tied > 1 else ""
    agreement = _agreement(recommendation, chosen)
    if chosen == last:
        said = f"{_BECAUSE[validator]} ({validator} {own}{tie}; {_next(recommendation)})"
        return f"Stay with {stay}: {said}; {agreement}; {_health(recommendation, last)}."
    scores = f"{own}{tie}; {stay} {_score(recommendation, last)}"
    if recommendation.objection == "collapsed":
        kinds = [kind for kind in recommendation.findings[chosen] if kind in COLLAPSED]
        return (
            f"Stay with {stay}: {validator} chooses {name} ({scores}), but its runs do not tell "
            f"the target's classes apart (health: {', '.join(kinds)}); {agreement}."
        )
    if recommendation.objection == "seeds disagree":
        return (
            f"Stay with {stay}: {validator} chooses {name} ({scores}), but {agreement}, the "
            f"seeds of {stay} on {_percent(recommendation.seeds_agree[last])}."
        )
    said = f"{_BECAUSE[validator]} ({validator} {scores})"
    return f"Take {name}: {said}; {agreement}; {_health(recommendation, chosen)}."


def _where(recommendation: Recommendation) -> str:
    group = recommendation.selection.group
    return f"{group.dataset}, {group.modality}, K = {group.segments}"


def _name(recommendation: Recommendation, m: int) -> str:
    return as_text(recommendation.selection.candidates[m].value)


def _score(recommendation: Recommendation, m: int) -> str:
    score = recommendation.selection.scores[recommendation.validator][m]
    return "diverged" if np.isnan(score) else f"{score:.2f}"


def _next(recommendation: Recommendation) -> str:
    """The best of the others; the last candidate is the chosen one."""
    scores = recommendation.selection.scores[recommendation.validator][:-1]
    if np.isnan(scores).all():
        return "the others diverged"
    m, _ = VALIDATORS[recommendation.validator].best(scores)
    return f"next {_name(recommendation, m)} {_score(recommendation, m)}"


def _agreement(recommendation: Recommendation, m: int) -> str:
    seeds, methods = recommendation.seeds_agree[m], _percent(recommendation.methods_agree)
    if np.isnan(seeds):
        return (
            f"the methods agree on {methods} of the videos, and a single seed does not tell how "
            "far seeds differ"
        )
    count = len(recommendation.selection.candidates[m].runs)
    return f"its {count} seeds agree on {_percent(seeds)} of the videos, the methods on {methods}"


def _health(recommendation: Recommendation, m: int) -> str:
    kinds = recommendation.findings[m]
    return f"health warnings: {', '.join(kinds)}" if kinds else "no health warning"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
