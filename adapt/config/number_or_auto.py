"""Options that are a number from 1 to 1000, or "auto"."""

from __future__ import annotations

import contextlib
from typing import Literal

from ...cache.errors import InputError, shorten

NumberOrAuto = int | Literal["auto"]
_MOST = 1000  # processes or runs at once; more would exhaust any machine


def read_number_or_auto(option: str, given: str) -> NumberOrAuto:
    """Read what a person has typed.

    Args:
        option: its name.
        given: its value.

    Raises:
        InputError: with both; it is neither.
    """
    value: object = given
    with contextlib.suppress(ValueError):  # words, or more digits than Python reads
        value = int(given)
    return check_number_or_auto(option, value)


def check_number_or_auto(option: str, given: object) -> NumberOrAuto:
    """The value, if it is either.

    Args:
        option: its name.
        given: its value.

    Raises:
        InputError: with both.
    """
    if given == "auto":
        return "auto"
    if isinstance(given, int) and not isinstance(given, bool) and 0 < given <= _MOST:
        return given
    shown = shorten(given) if isinstance(given, str) else given
    raise InputError(f"{option} must be auto or a number from 1 to {_MOST}, not {shown!r}")
