"""Test accuracies of what was chosen: by validators, by default, by rule and by the oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....adapt.config.recommended import BASELINE
from ...runs.groups import Group, Scores, score
from ...runs.names import row_name
from ..paired import Comparison, compare
from .recommendation import Recommendation
from .selection import Candidate, Selection, Value


@dataclass(frozen=True)
class Pick:
    """One candidate of each of a group's selections.

    Args:
        by: who chose it, such as "last epoch" or "chosen by ensv".
        value: of the setting; None where epochs were chosen, each run's own.
        scores: of the runs of all candidates together.
    """

    by: str
    value: Value
    scores: Scores


@dataclass(frozen=True)
class Outcome:
    """The picks among the epochs of a group's runs, among methods or the values of a setting.

    Args:
        group: that was chosen within, or the first of those that were chosen among.
        name: its row's; empty where methods were chosen among.
        key: what was chosen: "step", "method" or a setting.
        picks: the same ones in every outcome.
        comparison: of the recommended method with source_only; None where that is recommended, or
            nothing is.
    """

    group: Group
    name: str
    key: str
    picks: tuple[Pick, ...]
    comparison: Comparison | None = None


def outcomes_of(
    selections: Sequence[Selection],
    validators: Sequence[str],
    recommendations: Sequence[Recommendation] = (),
) -> list[Outcome]:
    """Test accuracies of the default (the last epoch, or source_only), of the validators' choices,
    of what is recommended and of the oracle's best.

    Args:
        selections: all in epochs or all in the same setting; those without accuracies are left
            out.
        validators: whose choices are scored.
        recommendations: of selections among methods, one for each.
    """
    advice = {id(one.selection): one for one in recommendations}
    taken = {key: one.taken for key, one in advice.items()}
    alike: dict[int, list[Selection]] = {}  # the epochs of a group's runs share a row
    for selection in selections:
        if selection.accuracy is not None:
            alike.setdefault(id(selection.group), []).append(selection)
    groups = [members[0].group for members in alike.values()]
    return [
        Outcome(
            group=members[0].group,
            name="" if members[0].key == "method" else row_name(members[0].group, groups),
            key=members[0].key,
            picks=tuple(_picks(members, validators, taken)),
            comparison=_comparison(advice.get(id(members[0]))),
        )
        for members in alike.values()
    ]


def _comparison(advice: Recommendation | None) -> Comparison | None:
    if advice is None or advice.taken is advice.baseline:
        return None
    return compare(advice.group, advice.selection.groups[-1])


def _picks(
    members: Sequence[Selection], validators: Sequence[str], taken: Mapping[int, Candidate]
) -> list[Pick]:
    of_epochs = members[0].key == "step"
    default = {"step": "last epoch", "method": BASELINE}.get(members[0].key)
    chosen = {default: [s.candidates[-1] for s in members]} if default else {}
    chosen |= {f"chosen by {name}": [s.chosen(name) for s in members] for name in validators}
    if all(id(s) in taken for s in members):
        chosen["recommended"] = [taken[id(s)] for s in members]
    chosen["oracle's best (not a result)"] = [s.oracle for s in members]
    truth = members[0].group.truth
    picks = []
    for by, candidates in chosen.items():
        runs = [run for candidate in candidates for run in candidate.runs]
        epochs = [epoch for candidate in candidates for epoch in candidate.epochs]
        scores = score(runs, truth, epochs)
        assert scores is not None  # the selections have accuracies
        picks.append(Pick(by, None if of_epochs else candidates[0].value, scores))
    return picks
