"""``PATH#frames=A-B`` and ``PATH#t=A,B``: a part of a video, written like a path."""

from __future__ import annotations

import os

from ...cache.parts import Part, split_part


def split_path(path: str) -> tuple[str, Part | None]:
    """The video, and which part of it a path means.

    The part is None where the path names none, or where something has literally this name.
    """
    place, part = split_part(path)
    return (path, None) if part is None or os.path.exists(path) else (place, part)
