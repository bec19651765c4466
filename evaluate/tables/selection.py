"""Tables of candidates, of their scores and of what the chosen ones reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..runs.values import as_text
from ..scores.choices.outcomes import Outcome, Pick
from ..scores.choices.selection import Selection
from ..scores.choices.validators import VALIDATORS
from .layout import Block, Bullets, Heading, Table, Text, mean_std, percent, wrapped

_COLUMNS = ("transfer", "method", "input", "K")
_CHOSEN = {"method": "method", "segments": "K"}  # a choice's key, and the column that it would fill


def selection_blocks(selection: Selection) -> list[Block]:
    """The candidates' scores, and which one each validator chooses; of a run's many evaluations
    only the chosen ones and the last."""
    settings = selection.key != "step" and selection.accuracy is not None
    names = list(selection.scores)
    head = [f"{name} {'↑' if VALIDATORS[name].higher_is_better else '↓'}" for name in names]
    head = [selection.key, *head, *(["accuracy"] if settings else [])]
    rows = []
    shown = _shown(selection)
    for m in shown:
        candidate = selection.candidates[m]
        cells = [as_text(candidate.value), *(_score(selection.scores[n][m]) for n in names)]
        if settings and selection.accuracy is not None:
            cells.append(f"{100 * selection.accuracy[m]:.1f}")
        rows.append(cells)
    chosen = [_chosen(selection, name) for name in names]
    rows.append(["chosen", *chosen, *([""] if settings else [])])
    blocks: list[Block] = [Heading(_title(selection)), Table(head, rows)]
    if left_out := len(selection.candidates) - len(shown):
        several = left_out > 1
        blocks.append(
            Text(
                f"{left_out} evaluation{'s' * several} that no validator chooses "
                f"{'are' if several else 'is'} not shown: --csv has all."
            )
        )
    if selection.dropped_seeds:
        seeds = " ".join(map(str, selection.dropped_seeds))
        several = len(selection.dropped_seeds) > 1
        blocks.append(
            Text(
                f"Not every {_one_of(selection.key)} has the seed{'s' if several else ''} {seeds}: "
                f"{'they are' if several else 'it is'} left out."
            )
        )
    return blocks


def outcome_blocks(outcomes: Sequence[Outcome], notes: Sequence[str]) -> list[Block]:
    """Test accuracy of the default figure, of the validators' choices and of the oracle's.

    Args:
        outcomes: at least one.
        notes: what must be known of the numbers.
    """
    key = outcomes[0].key
    if key == "method":
        return [_method_table(outcomes), Text(_how(key)), Bullets(notes)]
    kept = [n for n, column in enumerate(_COLUMNS) if column != _CHOSEN.get(key)]
    rows = []
    for outcome in outcomes:
        group = outcome.group
        cells = [group.transfer, outcome.name, group.modality, group.segments]
        accuracies = [_accuracy(pick, key) for pick in outcome.picks]
        rows.append([*(cells[n] for n in kept), *accuracies])
    head = [_COLUMNS[n] for n in kept]
    table = Table([*head, *(pick.by for pick in outcomes[0].picks)], rows)
    return [table, Text(_how(key)), Bullets(notes)]


def _method_table(outcomes: Sequence[Outcome]) -> Table:
    """A row per choice: its method may have a long name."""
    rows = []
    for outcome in outcomes:
        group = outcome.group
        for pick in outcome.picks:
            low, high = pick.scores.interval
            accuracy = [mean_std(pick.scores.accuracy), f"{percent(low)} - {percent(high)}"]
            where = [group.transfer, group.modality, group.segments]
            rows.append([*where, pick.by, as_text(pick.value), *accuracy])
    return Table(["transfer", "input", "K", "choice", "method", "accuracy", "95 %"], rows)


def _how(key: str) -> str:
    return wrapped(
        "Accuracy in percent on the target's test videos, mean ± std over seeds, with its 95 % "
        f"interval{'' if key == 'step' else ', at the last epoch'}. The last epoch is the default "
        "figure. The oracle's best is not a result: it is chosen by target labels."
    )


def _shown(selection: Selection) -> list[int]:
    """The indices of the candidates that are shown, rising."""
    every = range(len(selection.candidates))
    if selection.key != "step":
        return list(every)
    return sorted({every[-1], *(selection.best(name)[0] for name in selection.scores)})


def _title(selection: Selection) -> str:
    group, runs = selection.group, selection.candidates[0].runs
    method = [] if selection.key == "method" else [group.method]
    where = [group.transfer, *method, group.modality]
    if selection.key != "segments":
        where.append(f"K = {group.segments}")
    if selection.key == "step":
        return f"{', '.join(where)}, seed {runs[0].seed} ({runs[0].path})"
    folders = dict.fromkeys(str(c.runs[0].path.parent) for c in selection.candidates)
    seeds = " ".join(str(run.seed) for run in runs)
    return f"{', '.join(where)}, mean over seeds {seeds} ({', '.join(folders)})"


def _one_of(key: str) -> str:
    return key if key == "method" else f"value of {key}"


def _score(score: float) -> str:
    return "diverged" if np.isnan(score) else f"{score:.3f}"


def _chosen(selection: Selection, validator: str) -> str:
    index, tied = selection.best(validator)
    value = as_text(selection.candidates[index].value)
    return value if tied == 1 else f"{value} ({tied} tied)"


def _accuracy(pick: Pick, key: str) -> str:
    low, high = pick.scores.interval
    value = "" if key == "step" or pick.value == pick.by else f"{as_text(pick.value)}: "
    return f"{value}{mean_std(pick.scores.accuracy)} ({100 * low:.1f} - {100 * high:.1f})"
