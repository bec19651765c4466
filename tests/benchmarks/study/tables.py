"""The tables of docs/results.md, from the results of the parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from outcomes import CaseOutcome, Outcome, PartOutcome
from paired import FEWEST, RECOMMENDED, Difference, compare, outcome_of, ran
from plan import Part, Training

from tcon.evaluate.tables.layout import mean_std

Rows = Sequence[Sequence[str]]


def source_line(made: PartOutcome, part: Part, training: Training) -> str:
    """How a part's numbers were made: command, seeds, settings and machine; and what failed."""
    narrow = ", ".join(f"{key}={value}" for key, value in training.widths.items())
    return (
        f"`{made.command}`; {_seeds(made.cases)}; K = {training.segments} of "
        f"{training.snippets} snippets, {', '.join(training.settings)}; where a method has them "
        f"{narrow}; {made.machine}.{_failures(made.cases)}"
    )


def _seeds(cases: Sequence[CaseOutcome]) -> str:
    """Which seeds each kind of world has."""
    by_world: dict[str, list[int]] = {}
    for case in cases:
        by_world.setdefault(case.world, []).append(case.seed)
    worlds_of: dict[tuple[int, ...], list[str]] = {}
    for world, seeds in by_world.items():
        worlds_of.setdefault(tuple(sorted(seeds)), []).append(world)
    return "; ".join(
        f"seeds {seeds[0]} to {seeds[-1]} of {', '.join(worlds)}"
        for seeds, worlds in worlds_of.items()
    )


def _failures(cases: Sequence[CaseOutcome]) -> str:
    failed = [
        f"`{row}` in {case.world}, seed {case.seed} ({why})"
        for case in cases
        for row, why in case.failed.items()
    ]
    if not failed:
        return ""
    return f" Failed, and left out of means and differences: {'; '.join(failed)}."


def methods_table(cases: Sequence[CaseOutcome], reference: str, *, nested: bool) -> str:
    """Every row of some cases of one world: accuracies, and the difference to a reference row."""
    body = []
    for row in rows_of(cases, with_recommended=True):
        outcomes = _outcomes(cases, row)
        last = np.array([o.accuracy for o in outcomes])
        free, oracle = ([getattr(o, key) for o in outcomes] for key in ("label_free", "oracle"))
        name = _named(cases, row)
        cells = [name, mean_std(last), percent(np.mean(free)), percent(np.mean(oracle))]
        difference = _difference(cases, row, reference, nested=nested)
        if difference is None:
            body.append([*cells, "", "", ""])
        else:
            body.append([*cells, signed(difference), interval(difference), counts(difference)])
    head = ["method", "last ± std", "label-free", "oracle", f"minus {reference}"]
    return markdown([*head, "95 % interval", "better / worse in"], body)


def knob_table(cases: Sequence[CaseOutcome], knob: str, reference: str) -> str:
    """Rows by the values of a knob: the accuracy, and the difference to a reference row."""
    groups = by_value(cases, knob)
    body = []
    for row in rows_of([case for members in groups.values() for case in members]):
        every = [case for members in groups.values() for case in members]
        cells = [_named(every, row)]
        cells += [_with_change(members, row, reference) for members in groups.values()]
        body.append(cells)
    head = [f"{knob} = {value:g} ({len(members)} worlds)" for value, members in groups.items()]
    fewest = min(groups.values(), key=len)
    return markdown(["method", *head], body) + few_worlds(fewest)


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


def attention_table(cases: Sequence[CaseOutcome]) -> str:
    """Attention on the segments that show the action, and what uniform attention puts there."""
    body = []
    for row in rows_of(cases):
        looks = [outcome.attention for outcome in _outcomes(cases, row)]
        if not all(looks):
            continue
        cells = [_named(cases, row, code=True)]
        for domain in ("source", "target"):
            cells.append(mean_std(np.array([look[domain].weight for look in looks])))
            cells.append(percent(np.mean([look[domain].share for look in looks])))
        body.append(cells)
    head = ["method", "source: attention ± std", "uniform", "target: attention ± std", "uniform"]
    return markdown(head, body)


def variants_table(cases: Sequence[CaseOutcome], reference: str, *, timed: bool) -> str:
    """Variants of a method against a reference row, perhaps with their processor time."""
    body = []
    for row in rows_of(cases):
        outcomes = _outcomes(cases, row)
        name = _named(cases, row, code=True)
        cells = [name, mean_std(np.array([o.accuracy for o in outcomes]))]
        difference = _difference(cases, row, reference, nested=True)
        cells += ["", ""] if difference is None else [signed(difference), interval(difference)]
        if timed:
            spent = [o.seconds for o in outcomes if o.seconds]
            cells.append(f"{np.mean(spent):.1f}" if spent else "")
        body.append(cells)
    head = ["variant", "last ± std", f"minus {reference}", "95 % interval"]
    return markdown([*head, *(["processor seconds"] if timed else [])], body) + few_worlds(cases)


def modalities_table(
    cases: Sequence[CaseOutcome], modalities: Sequence[str], reference: str
) -> str:
    """Rows by modality and fused, with the difference to a reference row."""
    modalities = [*modalities, "+".join(modalities)]
    body = []
    for row in rows_of(cases):
        cells = [_with_change(cases, row, reference, modality) for modality in modalities]
        body.append([_named(cases, row), *cells])
    return markdown(["method", *modalities], body) + few_worlds(cases)


def rows_of(cases: Sequence[CaseOutcome], *, with_recommended: bool = False) -> list[str]:
    """The rows that were trained on all cases and did not fail on all, in the plan's order."""
    fullest = min(cases, key=lambda case: len(case.failed))
    rows = [
        row
        for row in dict.fromkeys([*(o.row for o in fullest.outcomes), *fullest.failed])
        if all(ran(case, row) or row in case.failed for case in cases)
        and any(ran(case, row) for case in cases)
    ]
    chosen = with_recommended and all(case.recommended for case in cases)
    return [*rows, RECOMMENDED] if chosen else rows


def few_worlds(cases: Sequence[CaseOutcome]) -> str:
    """What is said below a table of so few worlds that its intervals are too narrow."""
    if len(cases) >= FEWEST:
        return ""
    return (
        f"\n\nOf {len(cases)} worlds: fewer than 95 % of such intervals hold the true difference "
        "where worlds differ, so they decide nothing."
    )


def _outcomes(cases: Sequence[CaseOutcome], row: str, modality: str = "rgb") -> list[Outcome]:
    """A row's, of the cases where it did not fail."""
    return [outcome_of(case, row, modality) for case in cases if ran(case, row)]


def _named(cases: Sequence[CaseOutcome], row: str, *, code: bool = False) -> str:
    """A row's cell, which says in how many cases its run failed."""
    failed = sum(row in case.failed for case in cases)
    name = f"`{row}`" if code else row
    return f"{name} (failed in {failed} of {len(cases)})" if failed else name


def _difference(
    cases: Sequence[CaseOutcome], row: str, reference: str, modality: str = "rgb", *, nested: bool
) -> Difference | None:
    """To the reference row; None of that row itself, and where no case has both."""
    if row == reference or not any(ran(c, row) and ran(c, reference) for c in cases):
        return None
    return compare(cases, row, reference, modality=modality, nested=nested)


def _with_change(
    cases: Sequence[CaseOutcome], row: str, reference: str, modality: str = "rgb"
) -> str:
    """A cell with a row's accuracy, and its difference to the reference row."""
    outcomes = _outcomes(cases, row, modality)
    if not outcomes:
        return "failed"
    last = percent(np.mean([outcome.accuracy for outcome in outcomes]))
    difference = _difference(cases, row, reference, modality, nested=True)
    if difference is None:
        return last
    return f"{last} ({signed(difference)}, {interval(difference)})"


def markdown(head: Sequence[str], body: Rows) -> str:
    """A table in markdown."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def signed(difference: Difference) -> str:
    """In points."""
    return f"{100 * difference.mean:+.1f}"


def interval(difference: Difference) -> str:
    """In points."""
    low, high = difference.interval
    return f"{100 * low:.1f} to {100 * high:.1f}"


def counts(difference: Difference) -> str:
    """In how many cases a row is better and worse."""
    return f"{difference.better} / {difference.worse} of {difference.cases}"
