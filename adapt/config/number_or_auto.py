"""Options that are a number from 1 on, or "auto"."""

from __future__ import annotations

from typing import Literal

from ...cache.errors import InputError

NumberOrAuto = int | Literal["auto"]


def check_number_or_auto(option: str, given: object) -> None:
    """Refuse what is neither.

    Args:
        option: its name.
        given: its value.

    Raises:
        InputError: with both.
    """
    number = isinstance(given, int) and not isinstance(given, bool) and given > 0
    if given != "auto" and not number:
        raise InputError(f"{option} must be auto or a number from 1 on, not {given!r}")
