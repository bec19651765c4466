"""The keys of a plan and of the command line, and which settings they are short for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...cache.errors import InputError
from .settings import pairs

# Short for settings; those of the same place come after them.
SHORT = {
    "epochs": "train.epochs",
    "normalise": "train.normalise",
    "precision": "train.precision",
    "backbone": "e2e.backbone",
    "weights": "e2e.weights",
    "sync_bn": "e2e.sync_bn",
}


def require_mode(options: Mapping[str, Any]) -> None:
    """Refuse what end-to-end runs alone have."""
    given = [
        f"--{key.replace('_', '-')}"
        for key, full in SHORT.items()
        if full[:4] == "e2e." and _is_given(options, key)
    ]
    if given and not options.get("end_to_end"):
        raise InputError(f"{given[0]} needs --end-to-end (in a plan: end_to_end = true)")


def _is_given(options: Mapping[str, Any], key: str) -> bool:
    """Whether a place says anything of a key; a switch that is off says nothing."""
    return options.get(key) is not None and options[key] is not False


def words(options: Mapping[str, Any], key: str) -> list[str]:
    """A list, or a text with commas, as a list; settings hold no commas."""
    value = options.get(key) or []
    parts = value if isinstance(value, list | tuple) else str(value).split(",")
    return [word for part in parts if (word := str(part).strip())]


def settings_of(options: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What the short keys and ``settings`` of one place set, in the order in which they apply."""
    short = [(full, options[key]) for key, full in SHORT.items() if _is_given(options, key)]
    given = options.get("settings", ())
    return short + pairs(given.split(",") if isinstance(given, str) and given else given or ())
