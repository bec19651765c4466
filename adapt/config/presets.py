"""Presets: named settings of a method, such as ``official``, those of its authors."""

from __future__ import annotations

from collections.abc import Sequence

from ...cache.errors import InputError, unknown
from ..methods import entry
from .defaults import PRESET

FAST = "fast"  # the preset that ``--fast`` gives to the methods that have it


def has_fast(method: str) -> bool:
    """Whether a method has narrower networks to offer."""
    return FAST in entry(method).presets


def preset_settings(preset: str, method: str, among: Sequence[str] = ()) -> list[str]:
    """The settings of a method's preset, as ``key=value`` with full keys.

    Args:
        preset: its name; the default one changes nothing.
        method: whose.
        among: the methods to run.

    Raises:
        InputError: the method has no such preset; names which of ``among`` have it, else the
            nearest.
    """
    if preset == PRESET:
        return []
    own = entry(method).presets
    if preset not in own:
        others = [name for name in among if preset in entry(name).presets]
        if not others:
            known = [PRESET, *own, *(p for name in among for p in entry(name).presets)]
            raise unknown("preset", preset, list(dict.fromkeys(known)))
        raise InputError(
            f"{method} has no preset '{preset}', only {', '.join([PRESET, *own])}; of the methods "
            f"to run {', '.join(others)} has it: run them by themselves"
        )
    return [key if key.startswith("train.") else f"{method}.{key}" for key in own[preset]]
