"""Everything that was computed, as JSON; shares, not percent, and null where there is nothing."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ...cache.common.files.writing import write_output
from ..hand_labels.checked import Checked
from ..runs.groups import Group
from ..scores.choices.outcomes import Outcome
from ..scores.choices.recommendation import Recommendation
from ..scores.choices.selection import Candidate, Selection
from ..scores.choices.validators import DEFAULT
from ..scores.paired import Comparison
from ..scores.results import Result
from ..scores.unlabelled import Unlabelled
from ..tables.layout import sample_std
from .content import Content
from .csv_file import paper_rows


def to_json(content: Content) -> dict[str, Any]:
    """All of it; labelled groups under ``groups``, the others under ``unlabelled``."""
    return {
        "tool_version": __version__,
        "groups": [_group(result) for result in content.results],
        "zero_shot": [asdict(one) for one in content.zero_shot],
        "notes": list(content.notes),
        "unlabelled": [_unlabelled(result) for result in content.unlabelled],
        "unlabelled_notes": list(content.unlabelled_notes),
        "checked": [_checked(one) for one in content.checked],
        "fusion_remarks": list(content.remarks),
        "shared_classes": content.shared_classes,
        "unfinished": [str(folder) for folder in content.unfinished],
        "paper_in_percent": [
            {key: _plain(value) for key, value in row.items()} for row in paper_rows(content.paper)
        ],
        "selections": [_selection(selection) for selection in content.selections],
        "outcomes": [_outcome(outcome) for outcome in content.outcomes],
        "recommendations": [_recommendation(one) for one in content.recommendations],
        "selection_notes": list(content.selection_notes),
        "left_out": list(content.left_out),
        "distances": [_plain(asdict(run)) for run in content.distances],
        "health": asdict(content.health),
        "settings": None if content.settings is None else asdict(content.settings),
        "provenance": None if content.provenance is None else asdict(content.provenance),
    }


def write_json(content: Content, path: str | Path) -> None:
    """Write `to_json`.

    Raises:
        InputError: it cannot be written.
    """
    write_output(Path(path), json.dumps(to_json(content), indent=2, allow_nan=False) + "\n")


def _about(group: Group) -> dict[str, Any]:
    """What a group is of."""
    return {
        "transfer": group.transfer,
        "task": group.task,
        "method": group.method,
        "modality": group.modality,
        "segments": int(group.segments) if group.segments.isdecimal() else group.segments,
    }


def _unlabelled(result: Unlabelled) -> dict[str, Any]:
    group = result.group
    return {
        **_about(group),
        "preset": group.preset,
        "seeds": list(group.seeds),
        "runs": [str(run.path) for run in group.runs],
        "entropy": result.entropy,
        "mutual_information": result.mutual_information,
        "confident": result.confident,
        "temperature": result.calibration.temperature,
        "calibration_videos": result.calibration.videos,
        "predictions": [label.fields for label in result.labels],
    }


def _checked(one: Checked) -> dict[str, Any]:
    return {
        **_about(one.group),
        "name": one.name,
        "right": one.right,
        "asked": one.asked,
        "accuracy": one.accuracy,
        "interval": None if one.interval is None else list(one.interval),
        "doubtful_right": one.doubtful_right,
        "doubtful_asked": one.doubtful_asked,
        "unanswered": one.unanswered,
    }


def _selection(selection: Selection) -> dict[str, Any]:
    accuracy = selection.accuracy
    return {
        **_about(selection.group),
        **({"method": None} if selection.key == "method" else {}),
        "key": selection.key,
        "dropped_seeds": list(selection.dropped_seeds),
        "left_out": dict(selection.left_out),
        "chosen": {name: _value(selection.chosen(name)) for name in selection.scores},
        "candidates": [
            {
                "value": _value(candidate),
                "seeds": [run.seed for run in candidate.runs],
                "runs": [str(run.path) for run in candidate.runs],
                "scores": {name: _number(s[m]) for name, s in selection.scores.items()},
                "accuracy": None if accuracy is None else _number(accuracy[m]),
            }
            for m, candidate in enumerate(selection.candidates)
        ],
    }


def _recommendation(one: Recommendation) -> dict[str, Any]:
    selection = one.selection
    return {
        **_about(selection.group),
        "method": one.taken.runs[0].record.run.method,
        "take": _value(one.taken),
        "validator": one.validator,
        "chosen": _value(one.chosen),
        "tied": selection.best(one.validator)[1],
        "objection": one.objection,
        "methods_agree": _number(one.methods_agree),
        "candidates": [
            {
                "value": _value(candidate),
                "runs": [str(run.path) for run in candidate.runs],
                "score": _number(selection.scores[one.validator][m]),
                "seeds_agree": _number(one.seeds_agree[m]),
                "health": list(one.findings[m]),
            }
            for m, candidate in enumerate(selection.candidates)
        ],
    }


def _value(candidate: Candidate) -> Any:
    return _plain(candidate.value)


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        **_about(outcome.group),
        **({"method": None} if outcome.key == "method" else {}),
        "name": outcome.name,
        "key": outcome.key,
        "picks": [
            {
                "by": pick.by,
                "value": _plain(pick.value),
                "accuracy": {
                    **_over_seeds(pick.scores.accuracy),
                    "interval": list(pick.scores.interval),
                },
            }
            for pick in outcome.picks
        ],
        "comparison": _comparison(outcome.comparison) if outcome.comparison else None,
    }


def _group(result: Result) -> dict[str, Any]:
    group, scores, comparison = result.group, result.scores, result.comparison
    return {
        **_about(group),
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


def _plain(value: Any) -> Any:
    """A value as JSON has it: numpy's numbers as Python's, and null where there is none."""
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
