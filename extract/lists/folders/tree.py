"""The videos below a folder, video files and folders of frames, and what else lies there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...decoding.frames import is_frame
from ..entries.suffixes import FEATURE_SUFFIXES, NO_VIDEO_SUFFIXES, VIDEO_SUFFIXES
from .passed import PassedOver, Reason

_TEXT_SUFFIXES = (".csv", ".txt")
# What network storages and systems put beside the user's files; the rest starts with a dot.
_SYSTEM = (
    *("@eadir", "@recycle", "@recently-snapshot", "@tmp", "#recycle", "#snapshot", "__macosx"),
    *("$recycle.bin", "recycler", "system volume information", "lost+found", "thumbs.db"),
    *("desktop.ini", "ehthumbs.db", "network trash folder", "temporary items", "icon\r"),
)


@dataclass(frozen=True)
class Tree:
    """What lies below a folder, as sorted paths relative to it.

    Args:
        videos: video files, and folders of numbered images that hold no folder and no video file.
        texts: text and csv files, outside frame folders.
        features: folders that hold somebody's features.
        passed: what is none of the videos, and why.
    """

    videos: tuple[str, ...]
    texts: tuple[str, ...]
    features: tuple[str, ...]
    passed: tuple[PassedOver, ...]


def walk(folder: Path, *, probe: bool = True) -> Tree:
    """Look through a folder, once, and through the folders that links below it lead to.

    A folder is read under its own name; where only links lead to it, under that of the first.

    Args:
        folder: that is looked through.
        probe: look into files whose names do not tell whether they are videos; else they are none.

    Returns:
        what is there; a folder that is itself a frame folder is the one video ``"."``.
    """
    walker = _Walker(folder, probe)
    walker.read(os.curdir)
    while walker.links:
        links, walker.links = sorted(walker.links), []
        for link in links:
            walker.read(link)
    return Tree(
        _in_order(walker.videos),
        _in_order(walker.texts),
        _in_order(walker.features),
        tuple(walker.passed),
    )


def is_video(file: Path, *, probe: bool = True) -> bool:
    """Whether a file is a video, by its name or else, with ``probe``, by what it holds.

    Raises:
        OSError: it cannot be read.
    """
    name = file.name.lower()
    if name.endswith(VIDEO_SUFFIXES):
        return True
    if not probe or name.endswith(NO_VIDEO_SUFFIXES):
        return False
    from ...decoding.probe import holds_video

    return holds_video(str(file))


class _Walker:
    """Collects what lies below a folder.

    Args:
        root: the folder.
        probe: as in `walk`.

    Attributes:
        links: to folders, which are to be read after all that are no links.
    """

    def __init__(self, root: Path, probe: bool) -> None:
        self.root, self._probe = root, probe
        self.videos: list[str] = []
        self.texts: list[str] = []
        self.features: list[str] = []
        self.passed: list[PassedOver] = []
        self.links: list[str] = []
        self._seen: set[tuple[int, int]] = set()  # folders, by device and inode: no circles

    def read(self, top: str) -> None:
        """Read a folder and all below it but what links lead to."""
        waiting = [top]
        while waiting:
            place = waiting.pop()
            try:
                status = os.stat(self.root / place)
                if (status.st_dev, status.st_ino) in self._seen:
                    self._pass(Reason.AGAIN, place)
                    continue
                self._seen.add((status.st_dev, status.st_ino))
                with os.scandir(self.root / place) as entries:
                    listed = list(entries)
            except OSError:
                self._pass(Reason.UNREADABLE, place)
                continue
            if not listed and place != os.curdir:
                self._pass(Reason.EMPTY, place)
            waiting += self._sort(place, listed)

    def _sort(self, place: str, entries: Iterable[os.DirEntry[str]]) -> list[str]:
        """Take what a folder holds; its own folders are returned, to be read."""
        folders: list[str] = []
        links: list[str] = []
        files: list[str] = []
        for entry in entries:
            path = os.path.normpath(os.path.join(place, entry.name))
            if reason := _no_file_and_no_folder(entry):
                self._pass(reason, path)
            elif entry.is_dir():
                (links if entry.is_symlink() else folders).append(path)
            else:
                files.append(path)
        videos: list[str] = []
        others: list[str] = []
        for path in files:
            try:
                video = is_video(self.root / path, probe=self._probe)
                (videos if video else others).append(path)
            except OSError:
                self._pass(Reason.UNREADABLE, path)
        self.links += links
        if not (videos or folders or links) and any(map(_is_frame, others)):
            self.videos.append(place)
            others = [path for path in others if not _is_frame(path)]
        else:
            self.videos += videos
            self.texts += [path for path in others if path.lower().endswith(_TEXT_SUFFIXES)]
            if place != os.curdir and any(p.lower().endswith(FEATURE_SUFFIXES) for p in others):
                self.features.append(place)
        for path in others:
            self._pass(Reason.NO_VIDEO, path)
        return folders

    def _pass(self, reason: Reason, path: str) -> None:
        self.passed.append(PassedOver(reason, path))


def _no_file_and_no_folder(entry: os.DirEntry[str]) -> Reason | None:
    """Why an entry is passed over whatever it holds; None where it is a file or a folder."""
    if entry.name.startswith(".") or entry.name.lower() in _SYSTEM:
        return Reason.HIDDEN
    try:
        if entry.is_dir() or entry.is_file():
            return None
    except OSError:  # a link to itself
        return Reason.NOWHERE
    return Reason.SPECIAL if os.path.exists(entry.path) else Reason.NOWHERE


def _is_frame(path: str) -> bool:
    return is_frame(os.path.basename(path))


def _in_order(paths: list[str]) -> tuple[str, ...]:
    return tuple(sorted(paths, key=lambda path: Path(path).parts))
