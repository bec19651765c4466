"""A recommended method with the grounds for it, as a record and as a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...runs.groups import Group
from ...runs.values import as_text
from .selection import Candidate, Selection
from .validators import VALIDATORS

Objection = Literal["collapsed", "seeds disagree"]

# Health findings of models that do not tell the target's classes apart. The others (a discriminator
# that guesses, no pairs) say that a part of a method stood still: it may still be better.
COLLAPSED = frozenset({"one class", "features alike"})
_BECAUSE = {
    "ensv": "it agrees most with all methods together",
    "entropy": "its predictions are the most confident",
    "mutual_information": "its predictions are the most confident for the classes that they use",
    "snd": "its predictions have the densest neighbourhoods",
    "source_accuracy": "it is the most accurate on the source",
}


@dataclass(frozen=True, eq=False, repr=False)
class Recommendation:
    """The method to take among those of a selection, and the grounds; no target label is read.

    Its text is a sentence: what to do and why, never as an accuracy. All shares are of the target's
    training videos at the last epoch.

    Args:
        selection: the methods (M, source_only last), and every validator's scores.
        validator: that chooses.
        objection: what speaks against its choice, so that source_only is recommended; None where
            nothing does.
        seeds_agree: of each method, the share of videos to which two of its seeds give one class,
            mean over pairs of seeds, [M]; NaN of a single seed.
        methods_agree: the same of two methods, each by its mean probabilities over seeds.
        findings: of each method, the kinds of what looked wrong in the training of its runs.
    """

    selection: Selection
    validator: str
    objection: Objection | None
    seeds_agree: np.ndarray
    methods_agree: float
    findings: tuple[tuple[str, ...], ...]

    def __repr__(self) -> str:
        return f"<Recommendation of {self.taken.value} by {self.validator}>"

    def __str__(self) -> str:
        chosen, _ = self.selection.best(self.validator)
        last = len(self.selection.candidates) - 1
        name, stay = _name(self, chosen), _name(self, last)
        own = f"{_score(self, chosen)}{_tied(self)}"
        agreement = _agreement(self, chosen)
        if chosen == last:
            said = f"{_BECAUSE[self.validator]} ({self.validator} {own}{_next(self)})"
            return f"Stay with {stay}: {said}; {agreement}; {_health(self, last)}."
        scores = f"{own}; {stay} {_score(self, last)}"
        if self.objection == "collapsed":
            kinds = [kind for kind in self.findings[chosen] if kind in COLLAPSED]
            return (
                f"Stay with {stay}: {self.validator} chooses {name} ({scores}), but its runs do "
                f"not tell the target's classes apart (health: {', '.join(kinds)}); {agreement}."
            )
        if self.objection == "seeds disagree":
            return (
                f"Stay with {stay}: {self.validator} chooses {name} ({scores}), but {agreement}, "
                f"the seeds of {stay} on {_percent(self.seeds_agree[last])}."
            )
        said = f"{_BECAUSE[self.validator]} ({self.validator} {scores})"
        return f"Take {name}: {said}; {agreement}; {_health(self, chosen)}."

    @property
    def chosen(self) -> Candidate:
        """The validator's choice."""
        return self.selection.chosen(self.validator)

    @property
    def baseline(self) -> Candidate:
        """source_only."""
        return self.selection.candidates[-1]

    @property
    def taken(self) -> Candidate:
        """The method to take: the validator's choice, source_only where something objects."""
        return self.baseline if self.objection else self.chosen

    @property
    def group(self) -> Group:
        """The group of the method to take."""
        return self.selection.groups[self.selection.candidates.index(self.taken)]


def _name(recommendation: Recommendation, m: int) -> str:
    return as_text(recommendation.selection.candidates[m].value)


def _score(recommendation: Recommendation, m: int) -> str:
    score = recommendation.selection.scores[recommendation.validator][m]
    return "diverged" if np.isnan(score) else f"{score:.2f}"


def _tied(recommendation: Recommendation) -> str:
    """The others with the chosen score, the next in line first."""
    others = recommendation.selection.tied(recommendation.validator)
    names = [as_text(candidate.value) for candidate in others]
    return f", tied with {' and '.join(names)}" if names else ""


def _next(recommendation: Recommendation) -> str:
    """The best of the others where source_only, the last candidate, is chosen; nothing where it is
    tied with some."""
    if recommendation.selection.tied(recommendation.validator):
        return ""
    scores = recommendation.selection.scores[recommendation.validator][:-1]
    if np.isnan(scores).all():
        return "; the others diverged"
    m, _ = VALIDATORS[recommendation.validator].best(scores)
    return f"; next {_name(recommendation, m)} {_score(recommendation, m)}"


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
