"""Which files and folders of frames the names of a list mean."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from ..cache import InputError
from ..cache.lists import Names
from ..cache.lists.suffixes import VIDEO_SUFFIXES

_IMAGES = (".jpg", ".jpeg", ".png")
_FEATURES = (".t7", ".npy", ".npz")


class VideoFiles:
    """The videos below a folder: files, and folders of frames.

    Args:
        root: the folder. It is looked through only when a name is not there as it is written.
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
                suffixes = (_suffix(entry.name) for entry in entries)
                first = next((s for s in suffixes if s in (*_IMAGES, *_FEATURES)), "")
        except (OSError, ValueError):  # no name that a file can have
            return None
        if first in _FEATURES:
            raise InputError(f"{path} holds features ({first}), no video: read them by tcon import")
        return path if first and not self.leads_out(name) else None

    def alike(self, name: str, *, label: str = "") -> list[str]:
        """Paths below the root that a name of another machine or toolkit can mean; see `Names`.

        Where the folder that it names is there, no other folder's video is meant.
        """
        found, folder = self._names.find(name, label=label), (self.root / name).parent
        if folder != self.root and _is_folder(folder):
            return [path for path in found if (self.root / path).parent == folder]
        return found

    def nearest(self, name: str) -> list[str]:
        """The name most like ``name``, if any is, for messages."""
        return self._names.nearest(name)

    @staticmethod
    def leads_out(name: str) -> bool:
        """Whether a relative path leads out of the root."""
        return os.path.normpath(name).split(os.sep)[0] == os.pardir

    @cached_property
    def _names(self) -> Names:
        names: list[str] = []
        for folder, below, files in os.walk(self.root):
            below[:] = [name for name in below if not name.startswith(".")]
            inside = os.path.relpath(folder, self.root)
            shown = [name for name in files if not name.startswith(".")]
            suffixes = {_suffix(name) for name in shown}
            if inside != os.curdir and suffixes.intersection((*_IMAGES, *_FEATURES)):
                names.append(Path(inside).as_posix())
            if suffixes.intersection(VIDEO_SUFFIXES):
                names += [
                    Path(os.path.normpath(os.path.join(inside, name))).as_posix()
                    for name in shown
                    if _suffix(name) in VIDEO_SUFFIXES
                ]
        return Names(names)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # no name that a folder can have
        return False


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()
