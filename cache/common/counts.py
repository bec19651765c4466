"""Numbers of things, in words."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """``1 video``, ``2 videos``, ``3 classes``.

    Args:
        number: how many.
        thing: of what, in the singular.
    """
    plural = f"{thing}{'es' if thing.endswith('s') else 's'}"
    return f"{number} {thing if number == 1 else plural}"
