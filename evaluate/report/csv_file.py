"""Rows for machines."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ...cache.common.files.writing import write_output
from ..runs.groups import Group
from ..runs.values import as_text
from ..scores.choices.selection import Selection
from ..scores.choices.validators import VALIDATORS
from ..scores.results import Result
from ..scores.unlabelled import Unlabelled
from ..scores.zero_shot import ZeroShot
from ..tables.layout import sample_std
from ..tables.paper import Cell, TaskTable
from ..tables.published import PROXIES
from .content import Content

_ACCURACIES = (
    *("transfer", "task", "method", "modality", "segments", "preset", "seed", "accuracy", "std"),
    *("low", "high", "mean_class_accuracy", "label_free_accuracy", "oracle_best_not_a_result"),
    *("baseline", "difference", "difference_low", "difference_high", "difference_clips"),
    *("mcnemar_p", "test_videos", "protocol", "mode", "normalise", "backbone", "fusion"),
    *("trains_on_target_labels", "note", "runs"),
)
_PREDICTIONS = (
    *("transfer", "method", "modality", "segments", "video", "class", "score"),
    *("seeds_agree", "methods_agree", "methods_class", "methods_score", "source_distance"),
    *("look", "recommended"),
)
_CANDIDATES = (
    *("transfer", "method", "modality", "segments", "seeds", "key", "value", *VALIDATORS),
    *("chosen_by", "accuracy", "runs"),
)
_PAPER = (
    *("table", "task", "method", "modality", "published_mean", "published_std"),
    *("published_backbone", "published_source", "ours_dataset", "ours_method", "proxy", "mean"),
    *("std", "low", "high", "seeds", "segments", "backbone", "mode", "trains_on_target_labels"),
    *("note", "missing", "command"),
)
Row = Mapping[str, Any]


def write_csv(content: Content, path: str | Path) -> None:
    """Write what was asked for: candidates, the cells of the paper's table, a row per run and, with
    ``seed`` "mean", per group, or the predictions of an unlabelled target.

    Shares, not percent; the paper's table is in percent, as its numbers are.

    Raises:
        InputError: it cannot be written.
    """
    columns: Sequence[str]
    rows: Iterable[Row]
    if content.selections:
        columns, rows = _CANDIDATES, candidate_rows(content.selections)
    elif content.paper:
        columns, rows = _PAPER, paper_rows(content.paper)
    elif content.results:
        columns, rows = _ACCURACIES, accuracy_rows(content)
    else:
        columns, rows = _PREDICTIONS, prediction_rows(content.unlabelled, content.taken)
    text = StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_output(Path(path), text.getvalue())


def accuracy_rows(content: Content) -> list[Row]:
    """A row per run, one per group, and one per dataset that has texts."""
    rows = [row for result in content.results for row in _of_result(result)]
    return [*rows, *map(_of_texts, content.zero_shot)]


def prediction_rows(results: Sequence[Unlabelled], taken: Collection[Group]) -> list[Row]:
    """A row per target video and group; ``recommended`` is "yes" for the groups to take."""
    return [
        {
            "transfer": result.group.transfer,
            "method": result.group.method,
            "modality": result.group.modality,
            "segments": result.group.segments,
            **label.fields,
            "look": "yes" if label.look else "",
            "recommended": "yes" if result.group in taken else "",
        }
        for result in results
        for label in result.labels
    ]


def candidate_rows(selections: Sequence[Selection]) -> list[Row]:
    """A row per candidate. ``chosen_by`` joins validators by ``|``."""
    rows: list[Row] = []
    for selection in selections:
        group = selection.group
        chosen = {name: selection.chosen(name) for name in selection.scores}
        for m, candidate in enumerate(selection.candidates):
            first = candidate.runs[0]
            row = {
                "transfer": group.transfer,
                "method": first.record.run.method,
                "modality": group.modality,
                "segments": first.segments,
                "seeds": " ".join(str(run.seed) for run in candidate.runs),
                "key": selection.key,
                "value": as_text(candidate.value),
                "chosen_by": "|".join(name for name, by in chosen.items() if by is candidate),
                "runs": first.path if selection.key == "step" else first.path.parent,
            }
            row |= {name: scores[m] for name, scores in selection.scores.items()}
            if selection.accuracy is not None:
                row["accuracy"] = selection.accuracy[m]
            rows.append(row)
    return rows


def paper_rows(tables: Sequence[TaskTable]) -> list[Row]:
    """A row per cell, in percent."""
    return [_of_cell(table, cell) for table in tables for row in table.rows for cell in row]


def _of_texts(one: ZeroShot) -> Row:
    return {
        "transfer": one.transfer,
        "task": one.task,
        "method": "zero_shot",
        "modality": one.modality,
        "accuracy": one.accuracy,
        "low": one.interval[0],
        "high": one.interval[1],
        "mean_class_accuracy": one.mean_class,
        "test_videos": one.videos,
        "backbone": one.backbone,
        "note": one.note,
    }


def _of_result(result: Result) -> list[Row]:
    group, scores, epochs = result.group, result.scores, result.epochs
    comparison, label_free = result.comparison, epochs.label_free
    common = {
        "transfer": group.transfer,
        "task": group.task,
        "method": group.method,
        "modality": group.modality,
        "segments": group.segments,
        "preset": group.preset,
        "test_videos": scores.videos,
        "protocol": group.protocol,
        "mode": group.mode,
        "normalise": group.normalise,
        "backbone": group.backbone,
        "fusion": str(group.fusion.weights) if group.fusion else "",
        "trains_on_target_labels": group.reads_target_labels,
        "note": group.note,
        "baseline": comparison.baseline.method if comparison else "",
    }
    rows: list[Row] = []
    for n, run in enumerate(group.runs):
        row = common | {
            "seed": run.seed,
            "accuracy": scores.accuracy[n],
            "mean_class_accuracy": scores.mean_class[n],
            "label_free_accuracy": "" if label_free is None else label_free[n],
            "oracle_best_not_a_result": epochs.oracle[n],
            "runs": run.path,
        }
        if comparison and run.seed in comparison.seeds:
            s = comparison.seeds.index(run.seed)
            row |= {
                "difference": comparison.differences[s],
                "difference_clips": round(comparison.differences[s] * comparison.videos),
                "mcnemar_p": comparison.tests[s].p,
            }
        rows.append(row)
    mean = common | {
        "seed": "mean",
        "accuracy": scores.accuracy.mean(),
        "std": sample_std(scores.accuracy),
        "low": scores.interval[0],
        "high": scores.interval[1],
        "mean_class_accuracy": scores.mean_class.mean(),
        "label_free_accuracy": "" if label_free is None else label_free.mean(),
        "oracle_best_not_a_result": epochs.oracle.mean(),
        "runs": group.folder,
    }
    if comparison:
        mean |= {
            "difference": comparison.difference,
            "difference_low": comparison.interval[0],
            "difference_high": comparison.interval[1],
            "difference_clips": comparison.clips,
        }
    return [*rows, mean]


def _of_cell(table: TaskTable, cell: Cell) -> Row:
    number, ours = cell.published, cell.ours
    row: dict[str, Any] = {
        "table": table.table,
        "task": table.task,
        "method": cell.label,
        "modality": cell.modality,
        "ours_method": cell.method,
        "proxy": table.task in PROXIES,
        "missing": cell.missing,
        "command": cell.command,
    }
    if number:
        row |= {
            "published_mean": number.mean,
            "published_std": number.std,
            "published_backbone": number.backbone,
            "published_source": number.source,
        }
    if ours and ours.scores:
        scores, std = ours.scores, sample_std(ours.scores.accuracy)
        row |= {
            "ours_dataset": ours.dataset,
            "mean": 100 * scores.accuracy.mean(),
            "std": None if std is None else 100 * std,
            "low": 100 * scores.interval[0],
            "high": 100 * scores.interval[1],
            "seeds": len(ours.runs),
            "segments": ours.segments,
            "backbone": ours.backbone,
            "mode": ours.mode,
            "trains_on_target_labels": ours.reads_target_labels,
            "note": ours.note,
        }
    return row
