"""Which seeds: how many, or their numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...cache.errors import InputError, shorten

_MOST = 10_000
_LARGEST = 2**32 - 1  # that every generator of random numbers takes
_PART = re.compile(r"(\d{1,12})(?:-(\d{1,12}))?")


def read_seeds(given: int | str | Sequence[int | str]) -> tuple[int, ...]:
    """The seeds of a grid.

    Args:
        given: how many, from 0 on; or which: several numbers, or a text such as ``0,1,2``,
            ``0-4,7`` or, for one seed alone, ``7,``.

    Raises:
        InputError: it is none of these, a seed is named twice, or they are too many.
    """
    if isinstance(given, str):
        text = given.strip()
        if text.isdecimal() and len(text) < 20:
            return read_seeds(int(text))
        named = [part.strip() for part in text.split(",")]
        seeds = [seed for part in named if part for seed in _numbers(part, given)]
    elif isinstance(given, int):
        if given > _MOST:
            raise InputError(f"seeds: {given} are too many, {_MOST} are the most")
        seeds = list(range(given))
    else:
        seeds = [seed for part in given for seed in _numbers(str(part), str(part))]
    if not seeds or min(seeds) < 0:
        raise InputError("seeds: give how many, at least 1, or which, none of them negative")
    if max(seeds) > _LARGEST:
        raise InputError(f"seeds: {max(seeds)} is too large, {_LARGEST} is the largest")
    if len(seeds) > _MOST:
        raise InputError(f"seeds: {len(seeds)} are too many, {_MOST} are the most")
    seen: set[int] = set()
    for seed in seeds:
        if seed in seen:
            raise InputError(f"seeds: {seed} is named twice")
        seen.add(seed)
    return tuple(seeds)


def _numbers(part: str, given: str) -> range:
    """A number or a range of a list."""
    found = _PART.fullmatch(part.strip())
    if found is None:
        raise InputError(
            f"seeds {shorten(given)}: write how many, as 3, or which, as 0,1,2 or 0-4, none of "
            "them negative"
        )
    first, last = int(found[1]), int(found[2] or found[1])
    if last - first >= _MOST:
        raise InputError(f"seeds: {last - first + 1} are too many, {_MOST} are the most")
    return range(first, last + 1)
