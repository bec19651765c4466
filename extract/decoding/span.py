"""``PATH#frames=A-B``: a part of a frame folder, written like a path."""

from __future__ import annotations

import os
import re

_SPAN = re.compile(r"(.+)#frames=(\d{1,18})-(\d{1,18})", re.DOTALL)


def split_span(path: str) -> tuple[str, tuple[int, int] | None]:
    """The folder, and the numbers of the first and last image, both included.

    The span is None where the path names none, or where something has literally this name.
    """
    match = _SPAN.fullmatch(path)
    if not match or os.path.exists(path):
        return path, None
    return match[1], (int(match[2]), int(match[3]))
