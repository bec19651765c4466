"""Tables of scored runs: markdown for people, csv for machines."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...adapt.config.defaults import PRESET as MATCHED
from ...cache import InputError
from ..runs.groups import Group
from ..scores.paired import Comparison
from ..scores.results import Result
from ..scores.validators import DEFAULT
from .layout import bullets, clips, markdown_table, mean_std, percent, points, sample_std

_COLUMNS = [
    *("transfer", "task", "method", "modality", "segments", "preset", "seed", "accuracy", "std"),
    *("low", "high", "mean_class_accuracy", "label_free_accuracy", "oracle_best_not_a_result"),
    *("baseline", "difference", "difference_low", "difference_high", "difference_clips"),
    *("mcnemar_p", "test_videos", "protocol", "mode", "normalise", "backbone", "fusion"),
    *("trains_on_target_labels", "note", "runs"),
]
_NORMALISED = {
    "none": "features as they are",
    "source": "features standardised by the source's statistics",
    "domain": "each domain's features standardised by its own unlabelled statistics, for every "
    "method",
}
_HOW = f"""\
Accuracy in percent on the target's test videos, mean ± std over seeds. last epoch: no epoch was
chosen by target labels; 95 % is its interval (Wilson for one seed, or where all seeds get all or no
videos right; else bootstrap over videos and seeds), mean-class its mean over classes. label-free:
at the epoch that {DEFAULT} chooses without target labels. (oracle best): at the epoch of the
highest test accuracy: not a result, chosen by target labels."""
_HOW_COMPARED = """\
vs: difference of the last epochs' accuracies on the same videos, paired by seed, in points and in
videos (mean over seeds). 95 %: bootstrap over videos and seeds. McNemar: exact, each seed alone."""


def markdown(results: Sequence[Result]) -> str:
    """The accuracies of each dataset, the comparison with the baseline, and the notes they need."""
    datasets: dict[str, list[Result]] = {}
    for result in results:
        datasets.setdefault(result.group.dataset, []).append(result)
    groups = [result.group for result in results]
    parts = []
    for dataset, members in datasets.items():
        counts = dict.fromkeys(str(result.group.scores.videos) for result in members)
        parts.append(f"{dataset}: {' or '.join(counts)} test videos")
        parts.append(_accuracies(members, groups))
        if any(result.comparison for result in members):
            parts.append(_comparisons(members, groups))
    parts.append(_HOW)
    if any(result.comparison for result in results):
        parts.append(_HOW_COMPARED)
    return "\n\n".join([*parts, bullets(notes_of(groups) + _seed_notes(results))])


def write_csv(results: Sequence[Result], path: str | Path) -> None:
    """One row per run and, with ``seed`` "mean", one per group; shares, not percent."""
    write_rows(path, _COLUMNS, [row for result in results for row in _csv_rows(result)])


def write_rows(
    path: str | Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]
) -> None:
    """A csv with a head; what a row lacks stays empty.

    Raises:
        InputError: it cannot be written.
    """
    try:
        with Path(path).open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def row_name(group: Group, groups: Sequence[Group]) -> str:
    """The method and its preset; its folder where another row has the same name and sizes."""

    def row(g: Group) -> tuple[str, ...]:
        return g.dataset, _name(g), g.first.config["modality"], str(g.first.config["segments"])

    folders = [g.first.path.parent for g in groups if row(g) == row(group)]
    if len(folders) < 2:
        return _name(group)
    own = group.first.path.parent
    short = [folder.name for folder in folders].count(own.name) == 1
    return f"{_name(group)} ({own.name if short else own})"


def notes_of(groups: Sequence[Group]) -> list[str]:
    """What must be known of how these numbers came about; of which rows, where not of all."""
    notes = []
    made: dict[str, list[Group]] = {}
    for group in groups:
        data, head = group.first.data, f"{group.transfer}, {group.label}"
        if group.reads_target_labels:
            notes.append(
                f"{group.label} trains on target labels: an upper bound, not an adaptation."
            )
        if group.note:
            notes.append(f"{group.label}: {group.note}.")
        if data["protocol"] == "transductive":
            notes.append(
                f"{head}: transductive, adapted to the test videos (without their labels)."
            )
        cached = data["mode"] == "cached features"  # end to end, random weights are trained
        if cached and "random" in data["weights"].split(" + "):
            notes.append(f"{head}: features of a random backbone; the numbers mean nothing.")
        if fusion := group.first.config.get("fusion"):
            notes.append(
                f"rgb+flow: mean of both runs' logits before the softmax, weights {fusion}."
            )
        normalised = _NORMALISED[group.first.config["train"]["normalise"]]
        note = f"backbone {data['backbone']}, {data['mode']}, {normalised}."
        made.setdefault(note, []).append(group)
    for note, members in made.items():
        rows = "; ".join(dict.fromkeys(_full_name(group, groups) for group in members))
        notes.append(f"{rows}: {note}" if len(made) > 1 else f"B{note[1:]}")
    return list(dict.fromkeys(notes))


def _full_name(group: Group, groups: Sequence[Group]) -> str:
    """The row's name, after its data and with its input and K as far as these differ."""

    def parts(g: Group) -> tuple[str, str, str, str]:
        config = g.first.config
        return g.dataset, row_name(g, groups), config["modality"], f"K = {config['segments']}"

    everyone = [parts(g) for g in groups]
    own = parts(group)
    kept = [own[i] for i in range(4) if i == 1 or len({p[i] for p in everyone}) > 1]
    return " ".join(kept)


def _name(group: Group) -> str:
    preset = group.first.config.get("preset", MATCHED)
    name = group.label if preset == MATCHED else f"{group.label} {preset}"
    return f"{name} (oracle)" if group.reads_target_labels else name


def _accuracies(results: Sequence[Result], groups: Sequence[Group]) -> str:
    head = ["method", "input", "K", "seeds", "last epoch", "95 %", "mean-class", "label-free"]
    rows = []
    for result in results:
        scores, epochs = result.group.scores, result.epochs
        rows.append(
            [
                *_sizes(result.group, groups),
                str(len(result.group.runs)),
                mean_std(scores.accuracy),
                f"{percent(scores.interval[0])} - {percent(scores.interval[1])}",
                mean_std(scores.mean_class),
                "" if epochs.label_free is None else mean_std(epochs.label_free),
                f"({mean_std(epochs.oracle)})",
            ]
        )
    return markdown_table([*head, "(oracle best)"], rows)


def _comparisons(results: Sequence[Result], groups: Sequence[Group]) -> str:
    rows = []
    for result in results:
        if (comparison := result.comparison) is None:
            continue
        low, high = comparison.interval
        rows.append(
            [
                *_sizes(result.group, groups),
                f"{points(comparison.difference)} = {clips(comparison.clips)} of "
                f"{comparison.videos} clips",
                f"{points(low)} to {points(high)}",
                p_values(comparison),
            ]
        )
    [name] = {result.comparison.baseline.label for result in results if result.comparison}
    return markdown_table(["method", "input", "K", f"vs {name}", "95 %", "McNemar p"], rows)


def p_values(comparison: Comparison) -> str:
    """Of one seed, or the smallest and the largest of several."""
    values = sorted(test.p for test in comparison.tests)
    return " to ".join(dict.fromkeys(f"{p:.2g}" for p in (values[0], values[-1])))


def _sizes(group: Group, groups: Sequence[Group]) -> list[str]:
    config = group.first.config
    return [row_name(group, groups), config["modality"], str(config["segments"])]


def _seed_notes(results: Sequence[Result]) -> list[str]:
    notes, groups = [], [result.group for result in results]
    for result in results:
        if result.remark:
            name, modality, k = _sizes(result.group, groups)
            notes.append(f"{result.group.dataset}, {name}, {modality}, K = {k}: {result.remark}.")
        comparison = result.comparison
        if comparison and set(comparison.seeds) != {
            *result.group.seeds,
            *comparison.baseline.seeds,
        }:
            seeds = " ".join(map(str, comparison.seeds))
            notes.append(
                f"{result.group.dataset}, {result.group.label}: compared with "
                f"{comparison.baseline.label} on the seeds that both have, {seeds}."
            )
    return notes


def _csv_rows(result: Result) -> list[dict[str, Any]]:
    group, scores, epochs = result.group, result.group.scores, result.epochs
    config, data, comparison = group.first.config, group.first.data, result.comparison
    common = {
        "transfer": group.transfer,
        "task": data["task"],
        "method": group.method,
        "modality": config["modality"],
        "segments": config["segments"],
        "preset": config.get("preset", MATCHED),
        "test_videos": scores.videos,
        "protocol": data["protocol"],
        "mode": data["mode"],
        "normalise": config["train"]["normalise"],
        "backbone": data["backbone"],
        "fusion": config.get("fusion", ""),
        "trains_on_target_labels": group.reads_target_labels,
        "note": group.note,
        "baseline": comparison.baseline.method if comparison else "",
    }
    rows = []
    for n, run in enumerate(group.runs):
        row = common | {
            "seed": run.seed,
            "accuracy": scores.accuracy[n],
            "mean_class_accuracy": scores.mean_class[n],
            "label_free_accuracy": "" if epochs.label_free is None else epochs.label_free[n],
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
        "label_free_accuracy": "" if epochs.label_free is None else epochs.label_free.mean(),
        "oracle_best_not_a_result": epochs.oracle.mean(),
        "runs": group.first.path.parent,
    }
    if comparison:
        mean |= {
            "difference": comparison.difference,
            "difference_low": comparison.interval[0],
            "difference_high": comparison.interval[1],
            "difference_clips": comparison.clips,
        }
    return [*rows, mean]
