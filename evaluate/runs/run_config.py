"""What a run's ``config.json`` must hold for `evaluate` to use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from ...adapt.data.statistics import Normalise

_RUN = {
    **{"method": str, "modality": str, "segments": (int, str), "seed": int, "preset": str},
    **{"train": dict, "options": dict, "data": dict},
}
_DATA = {
    **{key: str for key in ("source", "source_sha256", "target", "target_sha256")},
    **{key: str for key in ("backbone", "weights", "mode", "protocol", "task")},
    **{"classes": list, "target_map": dict},
}


def check_config(config: Any) -> None:
    """Refuse a configuration that `adapt` has not written.

    Raises:
        ValueError: says what is missing or of another kind.
    """
    _check_kinds("config.json", config, _RUN)
    data = config["data"]
    _check_kinds("data", data, _DATA)
    if not isinstance(config.get("end_to_end") or {}, dict):
        raise ValueError("its end_to_end is no table")
    if config["train"].get("normalise") not in get_args(Normalise):
        raise ValueError("its train has no normalise")
    if not data["classes"] or not all(isinstance(name, str) for name in data["classes"]):
        raise ValueError("its classes have no names")
    for key in ("source_map", "target_map"):  # old runs lack the first
        index = data.get(key, {})
        if not isinstance(index, dict) or not all(
            type(n) is int and 0 <= n < len(data["classes"]) for n in index.values()
        ):
            raise ValueError(f"its {key} names other classes than it has")


def _check_kinds(name: str, values: Any, kinds: Mapping[str, Any]) -> None:
    if not isinstance(values, dict):
        raise ValueError(f"its {name} is no table")
    for key, kind in kinds.items():
        value = values.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"its {name} has no {key}")
