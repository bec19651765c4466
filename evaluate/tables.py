"""Tables of scored runs: markdown for people, csv for machines."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import softmax

from ..cache import InputError
from . import label_free
from .summary import Group, baseline_of

_COLUMNS = [
    *("transfer", "task", "method", "modality", "segments", "seed", "accuracy", "std"),
    *("low", "high", "mean_class_accuracy", "test_videos", "protocol", "mode", "normalise"),
    *("backbone", "runs"),
]
_PREDICTION_COLUMNS = [
    *("transfer", "method", "modality", "segments", "video", "class", "probability")
]
_NORMALISED = {
    "none": "features as they are",
    "source": "features standardised by the source's statistics",
    "domain": "each domain's features standardised by its own unlabelled statistics, for every "
    "method",
}


def markdown(groups: Sequence[Group]) -> str:
    """The accuracy table, in percent, and the notes it needs."""
    head = [
        *("transfer", "method", "input", "K", "accuracy of each seed", "mean ± std"),
        *("95 % interval", "mean-class", "vs source_only"),
    ]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for group in groups:
        config, scores = group.first.config, group.scores
        lines.append(
            "| "
            + " | ".join(
                [
                    group.transfer,
                    row_name(group, groups),
                    config["modality"],
                    str(config["segments"]),
                    " ".join(f"{100 * a:.1f}" for a in scores.accuracy),
                    mean_std(scores.accuracy),
                    f"{100 * scores.interval[0]:.1f} - {100 * scores.interval[1]:.1f}",
                    f"{100 * scores.mean_class.mean():.1f}",
                    _versus(group, groups),
                ]
            )
            + " |"
        )
    how = (
        "Accuracy in percent on the target's test videos at the last epoch; no epoch was chosen by "
        "target labels. Interval: Wilson for one seed, else bootstrap over videos and seeds."
    )
    return "\n".join([*lines, "", how, *notes_of(groups)])


def write_csv(groups: Sequence[Group], path: str | Path) -> None:
    """One row per run and, with ``seed`` "mean", one per group; shares, not percent."""
    rows = []
    for group in groups:
        config, data, scores = group.first.config, group.first.data, group.scores
        common = {
            "transfer": group.transfer,
            "task": data["task"],
            "method": group.method,
            "modality": config["modality"],
            "segments": config["segments"],
            "test_videos": scores.videos,
            "protocol": data["protocol"],
            "mode": data["mode"],
            "normalise": config["train"]["normalise"],
            "backbone": data["backbone"],
        }
        for run, overall, per_class in zip(
            group.runs, scores.accuracy, scores.mean_class, strict=True
        ):
            rows.append(
                common
                | {"seed": run.seed, "accuracy": overall, "mean_class_accuracy": per_class}
                | {"runs": run.path}
            )
        rows.append(
            common
            | {"seed": "mean", "accuracy": scores.accuracy.mean(), "std": _std(scores.accuracy)}
            | {"low": scores.interval[0], "high": scores.interval[1]}
            | {"mean_class_accuracy": scores.mean_class.mean()}
            | {"runs": group.first.path.parent}
        )
    write_rows(path, _COLUMNS, rows)


def unlabelled_markdown(groups: Sequence[Group]) -> str:
    """Label-free scores of each group, mean over its seeds."""
    head = [
        "transfer",
        "method",
        "input",
        "K",
        "seeds",
        "entropy",
        "mutual information",
        "p >= 0.9",
    ]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for group in groups:
        config = group.first.config
        logits = [run.test.logits[-1] for run in group.runs]
        values = [
            np.mean([measure(one) for one in logits])
            for measure in (
                label_free.mean_entropy,
                label_free.mutual_information,
                label_free.confident_share,
            )
        ]
        cells = [group.transfer, group.method, config["modality"], str(config["segments"])]
        cells += [str(len(group.runs)), *(f"{value:.3f}" for value in values)]
        lines.append(f"| {' | '.join(cells)} |")
    note = (
        "The target is unlabelled, so there is no accuracy. Entropy and mutual information in nats."
    )
    return "\n".join([*lines, "", note, *notes_of(groups)])


def predictions(group: Group) -> list[dict[str, object]]:
    """Each target video's class by the mean probability over seeds."""
    p = np.mean([softmax(run.test.logits[-1], axis=1) for run in group.runs], axis=0)  # [n, C]
    common = {
        "transfer": group.transfer,
        "method": group.method,
        "modality": group.first.config["modality"],
        "segments": group.first.config["segments"],
    }
    return [
        common
        | {
            "video": id_,
            "class": group.first.classes[row.argmax()],
            "probability": float(row.max()),
        }
        for id_, row in zip(group.first.test.ids, p, strict=True)
    ]


def write_predictions(groups: Sequence[Group], path: str | Path) -> None:
    """The predictions of every group as csv."""
    rows = [row for group in groups for row in predictions(group)]
    write_rows(path, _PREDICTION_COLUMNS, rows)


def write_rows(path: str | Path, columns: list[str], rows: list[dict[str, object]]) -> None:
    try:
        with Path(path).open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def row_name(group: Group, groups: Sequence[Group]) -> str:
    """The method, with its folder where another row has the same method and sizes."""

    def row(g: Group) -> tuple[str, str, str, int]:
        return g.transfer, g.method, g.first.config["modality"], g.first.config["segments"]

    alike = sum(row(other) == row(group) for other in groups)
    return f"{group.method} ({group.first.path.parent})" if alike > 1 else group.method


def mean_std(values: np.ndarray) -> str:
    std = _std(values)
    return f"{100 * values.mean():.1f}" + ("" if std is None else f" ± {100 * std:.1f}")


def _std(values: np.ndarray) -> float | None:
    """Sample standard deviation; one value has none."""
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _versus(group: Group, groups: Sequence[Group]) -> str:
    baseline = baseline_of(group, groups)
    if baseline is None or baseline.scores is None:
        return ""
    difference = group.scores.accuracy.mean() - baseline.scores.accuracy.mean()
    clips = difference * group.scores.videos
    return f"{100 * difference:+.1f} ({clips:+.1f} of {group.scores.videos} clips)"


def notes_of(groups: Sequence[Group]) -> list[str]:
    """What must be known of how these numbers came about."""
    notes = []
    for group in groups:
        data, head = group.first.data, f"{group.transfer}, {group.method}"
        if data["protocol"] == "transductive":
            notes.append(
                f"{head}: transductive, adapted to the test videos (without their labels)."
            )
        if data["weights"] == "random":
            notes.append(f"{head}: features of a random backbone; the numbers mean nothing.")
        normalised = _NORMALISED[group.first.config["train"]["normalise"]]
        notes.append(f"Backbone {data['backbone']}, {data['mode']}, {normalised}.")
    return list(dict.fromkeys(notes))
