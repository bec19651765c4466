"""Tables of candidates, of their scores and of what the chosen ones reach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..runs.groups import Group, score
from ..scores.selection import Candidate, Selection
from ..scores.validators import VALIDATORS
from .accuracy import notes_of, row_name, write_rows
from .layout import markdown_table, mean_std

_COLUMNS = [
    *("transfer", "method", "modality", "segments", "seeds", "key", "value", *VALIDATORS),
    *("chosen_by", "accuracy", "runs"),
]


def scores_markdown(selection: Selection) -> str:
    """Every candidate's scores, and which one each validator chooses."""
    settings = selection.key != "step" and selection.accuracy is not None
    names = list(selection.scores)
    head = [f"{name} {'↑' if VALIDATORS[name].higher_is_better else '↓'}" for name in names]
    head = [selection.key, *head, *(["accuracy"] if settings else [])]
    rows = []
    for m, candidate in enumerate(selection.candidates):
        cells = [_value(candidate), *(_score(selection.scores[name][m]) for name in names)]
        rows.append(cells + ([f"{100 * selection.accuracy[m]:.1f}"] if settings else []))
    chosen = [_chosen(selection, name) for name in names]
    rows.append(["chosen", *chosen, *([""] if settings else [])])
    parts = [_title(selection), markdown_table(head, rows)]
    if selection.dropped_seeds:
        seeds = " ".join(map(str, selection.dropped_seeds))
        parts.append(
            f"Not every value of {selection.key} has the seeds {seeds}: they are left out."
        )
    return "\n\n".join(parts)


def outcome_markdown(selections: Sequence[Selection], validators: Sequence[str]) -> str:
    """Test accuracy of the default figure, of the validators' choices and of the oracle's.

    Args:
        selections: with known accuracies, and all in epochs or all in the same setting.
        validators: whose choices are shown.
    """
    alike: dict[int, list[Selection]] = {}  # the epochs of a group's runs share a row
    for selection in selections:
        alike.setdefault(id(selection.group), []).append(selection)
    groups, key = [members[0].group for members in alike.values()], selections[0].key
    columns = list(_picks(selections[:1], validators))
    head = ["transfer", "method", "input", *_unless_segments(key, "K"), *columns]
    rows = []
    for members in alike.values():
        group = members[0].group
        cells = [group.transfer, row_name(group, groups), group.first.config["modality"]]
        cells += _unless_segments(key, str(group.first.config["segments"]))
        for candidates in _picks(members, validators).values():
            chosen = "" if key == "step" else f"{_value(candidates[0])}: "
            cells.append(chosen + _accuracy(group, candidates))
        rows.append(cells)
    how = (
        "Accuracy in percent on the target's test videos, mean ± std over seeds, with its 95 % "
        f"interval{'' if key == 'step' else ', at the last epoch'}. The last epoch is the default "
        "figure. The oracle's best is not a result: chosen by target labels."
    )
    table = markdown_table(head, rows)
    return "\n".join([table, "", how, *notes_of([g for s in selections for g in s.groups])])


def write_candidates(selections: Sequence[Selection], path: str | Path) -> None:
    """One row per candidate; shares, not percent. ``chosen_by`` joins validators by ``|``."""
    rows = []
    for selection in selections:
        config = selection.group.first.config
        chosen = {name: selection.chosen(name) for name in selection.scores}
        for m, candidate in enumerate(selection.candidates):
            first = candidate.runs[0]
            row = {
                "transfer": selection.group.transfer,
                "method": selection.group.method,
                "modality": config["modality"],
                "segments": first.config["segments"],
                "seeds": " ".join(str(run.seed) for run in candidate.runs),
                "key": selection.key,
                "value": _value(candidate),
                "chosen_by": "|".join(name for name, by in chosen.items() if by is candidate),
                "runs": first.path if selection.key == "step" else first.path.parent,
            }
            row |= {name: scores[m] for name, scores in selection.scores.items()}
            if selection.accuracy is not None:
                row["accuracy"] = selection.accuracy[m]
            rows.append(row)
    write_rows(path, _COLUMNS, rows)


def _title(selection: Selection) -> str:
    config, runs = selection.group.first.config, selection.candidates[0].runs
    where = [selection.group.transfer, selection.group.method, config["modality"]]
    if selection.key != "segments":
        where.append(f"K = {config['segments']}")
    if selection.key == "step":
        return f"{', '.join(where)}, seed {runs[0].seed} ({runs[0].path})"
    folders = dict.fromkeys(str(c.runs[0].path.parent) for c in selection.candidates)
    seeds = " ".join(str(run.seed) for run in runs)
    return f"{', '.join(where)}, mean over seeds {seeds} ({', '.join(folders)})"


def _picks(row: Sequence[Selection], validators: Sequence[str]) -> dict[str, list[Candidate]]:
    """By column, one candidate of each selection."""
    picks = {"last epoch": [s.candidates[-1] for s in row]} if row[0].key == "step" else {}
    picks |= {f"chosen by {name}": [s.chosen(name) for s in row] for name in validators}
    return picks | {"oracle's best (not a result)": [s.oracle for s in row]}


def _unless_segments(key: str, cell: str) -> list[str]:
    """K is no property of a row where it is what was chosen."""
    return [] if key == "segments" else [cell]


def _value(candidate: Candidate) -> str:
    """As ``--set`` takes it."""
    value = candidate.value
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _score(score: float) -> str:
    return "diverged" if np.isnan(score) else f"{score:.3f}"


def _chosen(selection: Selection, validator: str) -> str:
    index, tied = VALIDATORS[validator].best(selection.scores[validator])
    value = _value(selection.candidates[index])
    return value if tied == 1 else f"{value} ({tied} tied)"


def _accuracy(group: Group, candidates: Sequence[Candidate]) -> str:
    """Of the runs of all candidates together."""
    runs = [run for candidate in candidates for run in candidate.runs]
    epochs = [epoch for candidate in candidates for epoch in candidate.epochs]
    scores = score(runs, group.truth, epochs)
    low, high = scores.interval
    return f"{mean_std(scores.accuracy)} ({100 * low:.1f} - {100 * high:.1f})"
