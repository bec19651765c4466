"""The tables of docs/results.md, from the results of the parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from outcomes import CaseOutcome, PartOutcome
from paired import RECOMMENDED, Difference, compare, outcome_of
from plan import Part, Training

from tcon.evaluate.scores.choices.validators import VALIDATORS
from tcon.evaluate.tables.layout import mean_std

Rows = Sequence[Sequence[str]]


def source_line(made: PartOutcome, part: Part, training: Training) -> str:
    """How a part's numbers were made: command, seeds, settings and machine."""
    seeds = sorted({case.seed for case in made.cases})
    narrow = ", ".join(f"{key}={value}" for key, value in training.widths.items())
    return (
        f"`{made.command}`; seeds {seeds[0]} to {seeds[-1]}; K = {training.segments} of "
        f"{training.snippets} snippets, {', '.join(training.settings)}; where a method has them "
        f"{narrow}; {made.machine}."
    )


def methods_table(cases: Sequence[CaseOutcome], reference: str, *, nested: bool) -> str:
    """Every row of some cases of one world: accuracies, and the difference to a reference row."""
    body = []
    for row in rows_of(cases, with_recommended=True):
        outcomes = [outcome_of(case, row) for case in cases]
        last = np.array([o.accuracy for o in outcomes])
        free, oracle = ([getattr(o, key) for o in outcomes] for key in ("label_free", "oracle"))
        cells = [row, mean_std(last), _percent(np.mean(free)), _percent(np.mean(oracle))]
        if row == reference:
            body.append([*cells, "", "", ""])
            continue
        difference = compare(cases, row, reference, nested=nested)
        counts = f"{difference.better} / {difference.worse} of {difference.cases}"
        body.append([*cells, _signed(difference.mean), _interval(difference), counts])
    head = ["method", "last ± std", "label-free", "oracle", f"minus {reference}"]
    return markdown([*head, "95 % interval", "better / worse in"], body)


def knob_table(cases: Sequence[CaseOutcome], knob: str, reference: str) -> str:
    """Rows by the values of a knob: the accuracy, and the difference to a reference row."""
    groups = by_value(cases, knob)
    body = []
    for row in rows_of([case for members in groups.values() for case in members]):
        cells = [row]
        for members in groups.values():
            last = np.mean([case.of(row).accuracy for case in members])
            change = ""
            if row != reference:
                difference = compare(members, row, reference, nested=True)
                change = f" ({_signed(difference.mean)}, {_interval(difference)})"
            cells.append(f"{_percent(last)}{change}")
        body.append(cells)
    return markdown(["method", *(f"{knob} = {value:g}" for value in groups)], body)


def by_value(cases: Sequence[CaseOutcome], knob: str) -> dict[float, list[CaseOutcome]]:
    """The base world and those that differ in one knob alone, by its value, on the seeds that all
    values share."""
    base = next(case for case in cases if case.world == "base")
    alike = [
        case
        for case in cases
        if all(case.knobs[key] == value for key, value in base.knobs.items() if key != knob)
    ]
    values = sorted({case.knobs[knob] for case in alike})
    seeds = [{case.seed for case in alike if case.knobs[knob] == value} for value in values]
    shared = set.intersection(*seeds)
    return {
        value: sorted(
            (c for c in alike if c.knobs[knob] == value and c.seed in shared),
            key=lambda case: case.seed,
        )
        for value in values
    }


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
            if _has(cases, row) and _has(cases, other):
                difference = compare(cases, row, other, nested=nested)
                body.append(
                    [
                        f"{row} above {other}",
                        name,
                        difference.verdict,
                        _signed(difference.mean),
                        _interval(difference),
                        f"{difference.better} / {difference.worse} of {difference.cases}",
                    ]
                )
    head = ["question", "worlds", "answer", "difference", "95 % interval", "better / worse in"]
    return markdown(head, body)


def recommended_table(
    worlds: Mapping[str, Sequence[CaseOutcome]], baseline: str, *, nested: bool
) -> str:
    """What `recommended` chose in each kind of world, and what that gained and lost."""
    body = []
    for name, cases in worlds.items():
        if not _has(cases, RECOMMENDED):
            continue
        chosen = [case.recommended for case in cases]
        counts = ", ".join(f"{row} {chosen.count(row)}" for row in dict.fromkeys(sorted(chosen)))
        difference = compare(cases, RECOMMENDED, baseline, nested=nested)
        body.append(
            [
                name,
                counts,
                _percent(np.mean([case.of(baseline).accuracy for case in cases])),
                _percent(np.mean([outcome_of(case, RECOMMENDED).accuracy for case in cases])),
                _signed(difference.mean),
                _interval(difference),
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
    """What each validator's choice among all rows reaches; a tie goes to the baseline."""
    body = []
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
                _percent(reached.mean()),
                _percent((best - reached).mean()),
                _percent((best - reached).max()),
                f"{(reached < stay).sum()} of {len(cases)}",
            ]
        )
    body.append(["oracle's best (not a result)", _percent(best.mean()), "0.0", "0.0", ""])
    head = ["validator", "accuracy of its choice", "below the best", "at worst"]
    return markdown([*head, f"below {baseline} in"], body)


def attention_table(cases: Sequence[CaseOutcome]) -> str:
    """Attention on the segments that show the action, and what uniform attention puts there."""
    body = []
    for row in rows_of(cases):
        looks = [case.of(row).attention for case in cases]
        if not all(looks):
            continue
        cells = [f"`{row}`"]
        for domain in ("source", "target"):
            cells.append(mean_std(np.array([look[domain].weight for look in looks])))
            cells.append(_percent(np.mean([look[domain].share for look in looks])))
        body.append(cells)
    head = ["method", "source: attention ± std", "uniform", "target: attention ± std", "uniform"]
    return markdown(head, body)


def variants_table(cases: Sequence[CaseOutcome], reference: str, *, timed: bool) -> str:
    """Variants of a method against a reference row, perhaps with their processor time."""
    body = []
    for row in rows_of(cases):
        outcomes = [case.of(row) for case in cases]
        cells = [f"`{row}`", mean_std(np.array([o.accuracy for o in outcomes]))]
        if row == reference:
            cells += ["", ""]
        else:
            difference = compare(cases, row, reference, nested=True)
            cells += [_signed(difference.mean), _interval(difference)]
        if timed:
            spent = [o.seconds for o in outcomes if o.seconds]
            cells.append(f"{np.mean(spent):.1f}" if spent else "")
        body.append(cells)
    head = ["variant", "last ± std", f"minus {reference}", "95 % interval"]
    return markdown([*head, *(["processor seconds"] if timed else [])], body)


def modalities_table(
    cases: Sequence[CaseOutcome], modalities: Sequence[str], reference: str
) -> str:
    """Rows by modality and fused, with the difference to a reference row."""
    modalities = [*modalities, "+".join(modalities)]
    body = []
    for row in rows_of(cases):
        cells = [row]
        for modality in modalities:
            last = np.array([case.of(row, modality).accuracy for case in cases])
            change = ""
            if row != reference:
                difference = compare(cases, row, reference, modality=modality, nested=True)
                change = f" ({_signed(difference.mean)}, {_interval(difference)})"
            cells.append(f"{_percent(last.mean())}{change}")
        body.append(cells)
    return markdown(["method", *modalities], body)


def rows_of(cases: Sequence[CaseOutcome], *, with_recommended: bool = False) -> list[str]:
    """The rows that all cases have, in the plan's order."""
    rows = [
        row
        for row in dict.fromkeys(o.row for o in cases[0].outcomes)
        if all(_has([case], row) for case in cases)
    ]
    chosen = with_recommended and all(case.recommended for case in cases)
    return [*rows, RECOMMENDED] if chosen else rows


def markdown(head: Sequence[str], body: Rows) -> str:
    """A table in markdown."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _among(worlds: Mapping[str, Sequence[CaseOutcome]]) -> str:
    rows = dict.fromkeys(row for cases in worlds.values() for c in cases for row in c.among)
    return ", ".join(rows)


def _has(cases: Sequence[CaseOutcome], row: str) -> bool:
    if row == RECOMMENDED:
        return all(case.recommended for case in cases)
    return all(any(o.row == row for o in case.outcomes) for case in cases)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}"


def _interval(difference: Difference) -> str:
    low, high = difference.interval
    return f"{100 * low:.1f} to {100 * high:.1f}"
