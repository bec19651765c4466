"""The tables that answer the plan's questions 1 to 4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from outcomes import CaseOutcome
from paired import RECOMMENDED, Difference, across, compare, interaction, outcome_of, ran
from tables import counts, interval, markdown, percent, signed

from tcon.evaluate.scores.choices.validators import VALIDATORS

_HEAD = ("question", "worlds", "answer", "difference", "95 % interval", "better / worse in")


def questions_table(
    worlds: Mapping[str, Sequence[CaseOutcome]],
    questions: Iterable[tuple[str, str]],
    *,
    nested: bool,
) -> str:
    """Is a row above another? The paired difference and the answer, by the name of the worlds."""
    body = []
    for row, other in questions:
        for name, cases in worlds.items():
            if any(ran(case, row) and ran(case, other) for case in cases):
                difference = compare(cases, row, other, nested=nested)
                body.append(_answer(f"{row} above {other}", name, difference))
    return markdown(_HEAD, body)


def interaction_table(
    worlds: Mapping[str, Sequence[CaseOutcome]], row: str, other: str, base: str
) -> str:
    """Does a row gain more over another in the base world than in others of the same seeds?"""
    body = []
    for name, cases in worlds.items():
        if name != base and (difference := interaction(worlds[base], cases, row, other)):
            question = f"{row} gains more over {other}"
            body.append(_answer(question, f"{base} minus {name}", difference))
    return markdown(_HEAD, body)


def _answer(question: str, worlds: str, difference: Difference) -> list[str]:
    cells = [signed(difference), interval(difference), counts(difference)]
    return [question, worlds, difference.verdict, *cells]


def recommended_table(
    worlds: Mapping[str, Sequence[CaseOutcome]], baseline: str, *, nested: bool
) -> str:
    """What `recommended` chose in each kind of world, and what that gained and lost."""
    body = []
    for name, cases in worlds.items():
        cases = [case for case in cases if ran(case, RECOMMENDED) and ran(case, baseline)]
        if not cases:
            continue
        chosen = [case.recommended for case in cases]
        each = ", ".join(f"{row} {chosen.count(row)}" for row in dict.fromkeys(sorted(chosen)))
        difference = compare(cases, RECOMMENDED, baseline, nested=nested)
        body.append(
            [
                name,
                each,
                percent(np.mean([case.of(baseline).accuracy for case in cases])),
                percent(np.mean([outcome_of(case, RECOMMENDED).accuracy for case in cases])),
                signed(difference),
                interval(difference),
                f"{difference.worse} of {difference.cases}",
            ]
        )
    head = [
        "worlds",
        f"chose among {_among(worlds)}",
        baseline,
        RECOMMENDED,
        "difference",
        "95 % interval",
        "loses in",
    ]
    return markdown(head, body)


def validators_table(cases: Sequence[CaseOutcome], baseline: str) -> str:
    """What each validator's choice among all rows reaches; a tie goes to the baseline, without
    which a case is left out."""
    body = []
    cases = [case for case in cases if ran(case, baseline)]
    best = np.array([max(o.accuracy for o in case.outcomes) for case in cases])
    stay = np.array([case.of(baseline).accuracy for case in cases])
    for name, validator in VALIDATORS.items():
        if not all(name in o.validators for case in cases for o in case.outcomes):
            continue
        chosen = []
        for case in cases:
            ordered = sorted(case.outcomes, key=lambda o: o.row == baseline)  # last wins ties
            scores = np.array([o.validators[name] for o in ordered])
            chosen.append(ordered[validator.best(scores)[0]].accuracy)
        reached = np.array(chosen)
        body.append(
            [
                name,
                percent(reached.mean()),
                percent((best - reached).mean()),
                percent((best - reached).max()),
                f"{(reached < stay).sum()} of {len(cases)}",
            ]
        )
    body.append(["oracle's best (not a result)", percent(best.mean()), "0.0", "0.0", ""])
    head = ["validator", "accuracy of its choice", "below the best", "at worst"]
    return markdown([*head, f"below {baseline} in"], body)


def backbones_table(
    worlds: Mapping[str, tuple[Sequence[CaseOutcome], Sequence[CaseOutcome]]],
    backbones: tuple[str, str],
    rows: Sequence[str],
) -> str:
    """Two backbones on the same test videos: the gap of a baseline, which is its accuracy on the
    source less that on the target, and the accuracy of rows on the target.

    Args:
        worlds: cases with the first and with the second backbone, by the name of the worlds.
        backbones: their names.
        rows: the baseline, which knows the source alone, and others.
    """
    body = []
    for name, both in worlds.items():
        source = np.array([_mean_on_source(cases, rows[0]) for cases in both])  # [2]
        gap = source - [_mean_on_target(cases, rows[0]) for cases in both]  # [2]
        for what, values in ((f"{rows[0]} on the source", source), ("its gap", gap)):
            change = f"{100 * (values[1] - values[0]):+.1f}"
            body.append([name, what, *map(percent, values), change, "", ""])
        for row in rows:
            difference = across(both[1], both[0], row)
            means = [percent(_mean_on_target(cases, row)) for cases in both]
            cells = [signed(difference), interval(difference), counts(difference)]
            body.append([name, f"{row} on the target", *means, *cells])
    head = ["worlds", "accuracy", *(f"`{backbone}`" for backbone in backbones)]
    return markdown([*head, "difference", "95 % interval", "better / worse in"], body)


def _mean_on_target(cases: Sequence[CaseOutcome], row: str) -> float:
    return float(np.mean([outcome_of(case, row).accuracy for case in cases if ran(case, row)]))


def _mean_on_source(cases: Sequence[CaseOutcome], row: str) -> float:
    """Of the source's test clips."""
    scores = [outcome_of(c, row).validators["source_accuracy"] for c in cases if ran(c, row)]
    return float(np.mean(scores))


def _among(worlds: Mapping[str, Sequence[CaseOutcome]]) -> str:
    rows = dict.fromkeys(row for cases in worlds.values() for c in cases for row in c.among)
    return ", ".join(rows)
