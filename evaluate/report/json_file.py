"""Everything about scored groups as JSON; shares, not percent, and null where there is nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ...cache import InputError
from ..scores.choices.validators import DEFAULT
from ..scores.paired import Comparison
from ..scores.results import Result
from ..tables.layout import sample_std
from .content import Content


def to_json(content: Content) -> dict[str, Any]:
    """The results under ``groups``."""
    return {"tool_version": __version__, "groups": [_group(result) for result in content.results]}


def write_json(content: Content, path: str | Path) -> None:
    """Write `to_json`.

    Raises:
        InputError: it cannot be written, or the target has no labels.
    """
    if not content.results:
        raise InputError("--json: the target has no labels, so there is no accuracy")
    try:
        Path(path).write_text(json.dumps(to_json(content), indent=2, allow_nan=False) + "\n")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def _group(result: Result) -> dict[str, Any]:
    group, scores, comparison = result.group, result.scores, result.comparison
    return {
        "transfer": group.transfer,
        "task": group.task,
        "method": group.method,
        "modality": group.modality,
        "segments": int(group.segments) if group.segments.isdecimal() else group.segments,
        "preset": group.preset,
        "fusion": str(group.fusion.weights) if group.fusion else None,
        "trains_on_target_labels": group.reads_target_labels,
        "note": group.note,
        "protocol": group.protocol,
        "mode": group.mode,
        "backbone": group.backbone,
        "weights": " + ".join(group.weights),
        "normalise": group.normalise,
        "classes": list(group.classes),
        "test_videos": scores.videos,
        "seeds": list(group.seeds),
        "runs": [str(run.path) for run in group.runs],
        "accuracy": {**_over_seeds(scores.accuracy), "interval": list(scores.interval)},
        "mean_class_accuracy": _over_seeds(scores.mean_class),
        "epochs": _epochs(result),
        "comparison": _comparison(comparison) if comparison else None,
        "per_class": [
            {
                "class": name,
                "videos": int(result.class_videos[c]),
                "accuracy": _number(result.class_accuracy[c]),
                "difference": _number(comparison.class_differences[c]) if comparison else None,
            }
            for c, name in enumerate(group.classes)
        ],
        "confusion": {
            "rows": "true class",
            "columns": "predicted class",
            "counts_summed_over_seeds": result.confusion.tolist(),
        },
    }


def _epochs(result: Result) -> dict[str, Any]:
    epochs, last = result.epochs, [run.steps[-1] for run in result.group.runs]
    chosen: dict[str, Any] = {"last": {"steps": last, **_over_seeds(result.scores.accuracy)}}
    if epochs.label_free is not None and epochs.label_free_steps is not None:
        chosen["label_free"] = {
            "validator": DEFAULT,
            "steps": list(epochs.label_free_steps),
            **_over_seeds(epochs.label_free),
        }
    chosen["oracle_best_not_a_result"] = {
        "steps": list(epochs.oracle_steps),
        **_over_seeds(epochs.oracle),
    }
    return chosen


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "baseline": comparison.baseline.method,
        "baseline_runs": [str(run.path) for run in comparison.baseline.runs],
        "seeds": list(comparison.seeds),
        "difference": comparison.difference,
        "difference_per_seed": comparison.differences.tolist(),
        "interval": list(comparison.interval),
        "clips": comparison.clips,
        "of_clips": comparison.videos,
        "mcnemar": [
            {"seed": seed, "won": test.gained, "lost": test.lost, "p": test.p}
            for seed, test in zip(comparison.seeds, comparison.tests, strict=True)
        ],
    }


def _over_seeds(values: np.ndarray) -> dict[str, Any]:
    return {
        "per_seed": values.tolist(),
        "mean": float(values.mean()),
        "std": sample_std(values),
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
