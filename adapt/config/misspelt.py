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
from .keys import require_mode, settings_of, words
from .seeds import read_seeds
from .settings import apply_settings, keys
from .training import TrainConfig, parse_segments

RECOMMENDED = "recommended"  # the name of several methods
METHODS = (
    *("cdan", "cmfglr", "coral", "daaa", "dan", "dann", "ema", "im", "mcc", "source_only", "ta3n"),
    *("target_only", "tcon", "tcon+", "tcon-attn", "tcon-coattn", "tcon-sadnet", "tcon-tadnet"),
    *("tcon-trn", "trn"),
)


def refuse_misspelt(given: Mapping[str, Any]) -> None:
    """Refuse unknown methods and backbones, and settings, seeds and segments that cannot be.

    Names are not judged where plug-ins may have brought others; settings of a single method are
    left to `make_grid`.

    Args:
        given: keys of the command line.

    Raises:
        InputError: says what is wrong.
    """
    end_to_end = given.get("end_to_end") or "plan" in given  # a plan may say so
    require_mode({**given, "end_to_end": end_to_end})
    if "seeds" in given:
        read_seeds(given["seeds"])
    for text in words(given, "segments"):
        parse_segments(text)
    if f"{__package__.rpartition('.')[0]}.methods" not in sys.modules and not _plugins():
        require_methods(words(given, "methods"), METHODS)
    require_known(given.get("backbone"), given.get("weights"))
    roots = {"train": TrainConfig(), "e2e": EndToEnd()}
    leaves = {path.rpartition(".")[2] for config in roots.values() for path in keys(config)}
    settings = [
        (key, value)
        for key, value in settings_of(given)
        if key.partition(".")[0] in roots or key in leaves
    ]
    apply_settings(settings, roots if end_to_end else {"train": roots["train"]})


def require_methods(methods: Iterable[str], known: Collection[str]) -> None:
    """Refuse methods that there are not.

    Raises:
        InputError: names the nearest, `RECOMMENDED` among them.
    """
    for name in methods:
        if name not in (RECOMMENDED, *known):
            raise unknown("method", name, sorted([RECOMMENDED, *known]))


def _plugins() -> bool:
    """Whether an installed package brings methods."""
    return bool(entry_points(group="tcon.methods"))
