"""The videos that a list's paths may mean: files, and folders of frames."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ....cache.errors import InputError
from ...decoding.frames import is_frame
from ..entries.suffixes import FEATURE_SUFFIXES
from .tree import walk


class VideoFiles:
    """The videos below a folder: files, and folders of frames.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def exact(self, name: str) -> Path | None:
        """The video of this very path; None where there is none.

        A relative path that leads out of the root is not followed.

        Raises:
            InputError: it is a folder of features.
        """
        path = self.root / name
        try:
            if path.is_file():
                return None if self.leads_out(name) else path
            with os.scandir(path) as entries:
                frames, features = _first(entry.name for entry in entries)
        except (OSError, ValueError):  # no name that a file can have
            return None
        if features and not frames:
            raise InputError(f"{path} holds features ({features}): read them by tcon import")
        return path if frames and not self.leads_out(name) else None

    def names(self) -> tuple[str, ...]:
        """All paths below the root, those of folders of features too: `exact` refuses these."""
        tree = walk(self.root)
        return tuple(Path(name).as_posix() for name in (*tree.videos, *tree.features))

    @staticmethod
    def leads_out(name: str) -> bool:
        """Whether a relative path leads out of the root."""
        return os.path.normpath(name).split(os.sep)[0] == os.pardir


def _first(names: Iterable[str]) -> tuple[str, str]:
    """The first frame, or the first feature if that comes earlier: a folder may hold thousands."""
    for name in names:
        if is_frame(name):
            return name, ""
        if name.lower().endswith(FEATURE_SUFFIXES):
            return "", name
    return "", ""
