"""Run records as older versions wrote them: flat tables, with texts for segments and recipes, and
without options that came later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...cache.legacy import recipe_from_texts
from ..config.training import Segments

_RUN = ("method", "modality", "seed", "preset", "train", "options", "end_to_end")
_SAME = (
    *("protocol", "task", "classes", "backbone", "weights", "mode", "videos", "micro_batch"),
    "target_labels_sha256",
)
_RENAMED = {"partnerless": "unpaired"}  # options of tcon
_TCON = ("tcon", "tcon-trn", "tcon-sadnet", "tcon-tadnet", "tcon-coattn", "tcon-attn")


def current_layout(old: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a `RunRecord` from the ``config.json`` of an older version.

    Raises:
        ValueError: something is missing or of another kind.
    """
    data = _table(old, "data")
    run = {key: old[key] for key in _RUN if key in old}
    run["options"] = {_RENAMED.get(k, k): v for k, v in _table(old, "options").items()}
    segments = Segments.parse(_value(old, "segments"))
    run["segments"] = {"source": segments.source, "target": segments.target}
    recipe = data.get("target_provenance")
    if recipe is not None and not isinstance(recipe, dict):
        raise ValueError("its target_provenance is no table")
    made = recipe_from_texts(recipe) if recipe else None
    cached = data.get("mode") == "cached features"
    weights_sha256 = made.weights_sha256 if made and cached else data.get("weights_sha256", "")
    return {
        "run": run,
        "base": old.get("source_only"),
        "data": {
            **{key: data[key] for key in _SAME if key in data},
            "weights_sha256": weights_sha256,
            "source": _domain(data, "source"),
            "target": _domain(data, "target"),
            "recipe": made,
        },
        "tool_version": old.get("tool_version", ""),
    }


def with_what_was_fixed(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a `RunRecord`, with the options that did not exist when it was written: all
    training was in fp32, and TCoN had one set of scores for attention and alignment. A plug-in's
    options are its own, whatever it is called."""
    run = values.get("run")
    if not isinstance(run, dict):
        return values
    train, options = run.get("train"), run.get("options")
    if isinstance(train, dict):
        run = {**run, "train": {"precision": "fp32", **train}}
    if isinstance(options, dict) and run.get("method") in _TCON:
        run = {**run, "options": {"attention_features": "same", **options}}
    return {**values, "run": run}


def _domain(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {
        "path": _value(data, name),
        "sha256": _value(data, f"{name}_sha256"),
        "labels": data.get(f"{name}_map"),
    }


def _table(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    table = _value(values, key)
    if not isinstance(table, dict):
        raise ValueError(f"its {key} is no table")
    return table


def _value(values: Mapping[str, Any], key: str) -> Any:
    if key not in values:
        raise ValueError(f"it has no {key}")
    return values[key]
