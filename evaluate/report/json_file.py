"""Everything about scored groups as JSON; shares, not percent, and null where there is nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ...adapt.config.runs import MATCHED
from ...cache import InputError
from ..scores.paired import Comparison
from ..scores.results import Result
from ..scores.validators import DEFAULT
from ..tables.layout import sample_std


def write_json(results: Sequence[Result], path: str | Path) -> None:
    """A list of groups under ``groups``.

    Raises:
        InputError: it cannot be written.
    """
    content = {"tool_version": __version__, "groups": [_group(result) for result in results]}
    try:
        Path(path).write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def _group(result: Result) -> dict[str, Any]:
    group, scores, config = result.group, result.group.scores, result.group.first.config
    data, comparison = group.first.data, result.comparison
    return {
        "transfer": group.transfer,
        "task": data["task"],
        "method": group.method,
        "modality": config["modality"],
        "segments": config["segments"],
        "preset": config.get("preset", MATCHED),
        "fusion": config.get("fusion"),
        "trains_on_target_labels": group.reads_target_labels,
        "note": group.note,
        "protocol": data["protocol"],
        "mode": data["mode"],
        "backbone": data["backbone"],
        "weights": data["weights"],
        "normalise": config["train"]["normalise"],
        "classes": list(group.first.classes),
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
            for c, name in enumerate(group.first.classes)
        ],
        "confusion": {
            "rows": "true class",
            "columns": "predicted class",
            "counts_summed_over_seeds": result.confusion.tolist(),
        },
    }


def _epochs(result: Result) -> dict[str, Any]:
    epochs, last = result.epochs, [run.steps[-1] for run in result.group.runs]
    chosen = {"last": {"steps": last, **_over_seeds(result.group.scores.accuracy)}}
    if epochs.label_free is not None:
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
