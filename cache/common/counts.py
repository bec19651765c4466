"""Numbers of things, in words."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """``1 video``, ``2 videos``, ``3 classes``, ``1,000 frames``.

    Args:
        number: how many.
        thing: of what, in the singular.
    """
    if number == 1:
        return f"1 {thing}"
    return f"{number:,} {thing}{'es' if thing.endswith(('s', 'x', 'ch')) else 's'}"
