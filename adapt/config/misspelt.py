"""Refuse at once what is misspelt: importing torch and every method takes seconds.

What passes here is checked again, in full, by `grid.make_grid`.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import entry_points
from typing import Any

from ...cache.errors import unknown
from ...extract.known import require_known
from ..end_to_end.options import EndToEnd
from . import defaults
from .keys import require_mode, settings_of, words
from .method_keys import METHOD_KEYS, RECOMMENDED, RECOMMENDED_METHODS
from .seeds import read_seeds
from .settings import apply_settings, keys, require_key
from .training import TrainConfig, parse_segments


def refuse_misspelt(given: Mapping[str, Any]) -> None:
    """Refuse unknown methods, backbones and settings, and values that cannot be of what all methods
    share.

    Names are not judged where plug-ins may have brought others; values of a method's own settings
    are left to `make_grid`.

    Args:
        given: keys of the command line, or of a grid of a plan.

    Raises:
        InputError: says what is wrong.
    """
    require_mode(given)
    if "seeds" in given:
        read_seeds(given["seeds"])
    for text in words(given, "segments"):
        parse_segments(text)
    require_known(given.get("backbone"), given.get("weights"))
    settings = settings_of(given)
    roots = {"train": TrainConfig(), "e2e": EndToEnd()}
    shared = {f"{root}.{path}": root for root, config in roots.items() for path in keys(config)}
    if not given.get("end_to_end"):
        shared = {key: root for key, root in shared.items() if root != "e2e"}
    if f"{__package__.rpartition('.')[0]}.methods" not in sys.modules and not _plugins():
        methods = words(given, "methods") or defaults.METHODS
        require_methods(methods, METHOD_KEYS)
        _require_keys(settings, methods, shared)
    found = apply_settings([(key, value) for key, value in settings if key in shared], roots)["e2e"]
    require_known(found.backbone, found.weights)


def require_methods(methods: Iterable[str], known: Collection[str]) -> None:
    """Refuse methods that there are not.

    Raises:
        InputError: names the nearest, `RECOMMENDED` among them.
    """
    for name in methods:
        if name not in (RECOMMENDED, *known):
            raise unknown("method", name, sorted([RECOMMENDED, *known]))


def _require_keys(
    settings: Iterable[tuple[str, Any]], methods: Iterable[str], shared: Iterable[str]
) -> None:
    """Refuse settings that neither the methods to run nor all of them (``shared``) have."""
    chosen = set(methods)
    if RECOMMENDED in chosen:
        chosen = chosen - {RECOMMENDED} | set(RECOMMENDED_METHODS)
    if "cmfglr" in chosen:
        chosen.add("source_only")  # which it is fitted to
    known = {*shared, *(f"{name}.{path}" for name in chosen for path in METHOD_KEYS[name])}
    for key, value in settings:
        require_key(key, value, known, METHOD_KEYS.__contains__)


def _plugins() -> bool:
    """Whether an installed package brings methods."""
    return bool(entry_points(group="tcon.methods"))
