"""What ``--method recommended`` trains, and by what ``tcon eval`` then chooses among it."""

from __future__ import annotations

from collections.abc import Iterable

from ...cache.errors import InputError
from ..methods import entry, names
from .defaults import PRESET
from .method_keys import RECOMMENDED as NAME
from .method_keys import RECOMMENDED_METHODS as METHODS
from .misspelt import require_methods

BASELINE = "source_only"  # what one stays with where no method convinces
VALIDATOR = "ensv"  # one of evaluate's; why it is this one is in docs/evaluation.md


def expand(methods: Iterable[str]) -> list[str]:
    """The same methods with `METHODS` in place of ``recommended``, each of them once.

    Raises:
        InputError: an unknown method; names the nearest, ``recommended`` among them.
    """
    methods = list(methods)
    require_methods(methods, names())
    each = [METHODS if name == NAME else (name,) for name in methods]
    return list(dict.fromkeys(name for names in each for name in names))


def require_preset(preset: str) -> None:
    """Refuse a preset that not all of `METHODS` have: they are to be compared.

    Raises:
        InputError: names the first of them without it.
    """
    for name in METHODS:
        if preset not in (PRESET, *entry(name).presets):
            raise InputError(
                f"{NAME} runs with the preset {PRESET}: {name} has no preset '{preset}'; name the "
                "methods that have it instead"
            )
