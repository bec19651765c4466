"""All that lies below a folder, what links lead to included."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Like `os.walk`, but links to folders are followed, and each folder is read once.

    Raises:
        OSError: a folder cannot be read.
    """
    seen = set()
    for place, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort(key=lambda name: (os.path.islink(os.path.join(place, name)), name))
        yield Path(place), folders, files


def _raise(error: OSError) -> None:
    raise error
