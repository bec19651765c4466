"""The videos below a folder, video files and folders of frames, and what the folders say."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...cache import InputError
from ..decoding.frames import is_frame
from .entries.entry import Entry
from .entries.suffixes import VIDEO_SUFFIXES

_TEXT_SUFFIXES = (".csv", ".txt")
FEATURE_SUFFIXES = (".t7", ".npy", ".npz")


@dataclass(frozen=True)
class Tree:
    """What lies below a folder, as sorted paths relative to it; hidden files and folders do not.

    Args:
        videos: video files, and folders of numbered images that hold no folder and no video file.
        texts: text and csv files, outside frame folders.
        features: folders that hold somebody's features.
    """

    videos: tuple[str, ...]
    texts: tuple[str, ...]
    features: tuple[str, ...]


def walk(folder: Path) -> Tree:
    """Look through a folder, once. Links to folders are not followed, as they may lead in circles.

    Returns:
        what is there; a folder that is itself a frame folder is the one video ``"."``.
    """
    videos, texts, features = [], [], []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names = [name for name in files if not name.startswith(".")]
        here = os.path.relpath(place, folder)
        found = [
            os.path.normpath(os.path.join(here, name))
            for name in names
            if name.lower().endswith(VIDEO_SUFFIXES) and os.path.isfile(os.path.join(place, name))
        ]
        if not found and not folders and any(map(is_frame, names)):
            videos.append(here)
            continue
        videos += found
        if here != os.curdir and any(name.lower().endswith(FEATURE_SUFFIXES) for name in names):
            features.append(here)
        texts += [
            os.path.normpath(os.path.join(here, name))
            for name in names
            if name.lower().endswith(_TEXT_SUFFIXES)
        ]
    return Tree(_in_order(videos), _in_order(texts), _in_order(features))


def read_tree(folder: Path, *, unlabelled: bool) -> list[Entry]:
    """The videos of a folder ``class/video`` or ``split/class/video``, or of unlabelled videos.

    Args:
        folder: that holds them.
        unlabelled: its sub-folders are no classes; then it may have any depth.

    Returns:
        entries whose names are paths relative to the folder; splits are folders' names.

    Raises:
        InputError: no video, or videos at several levels.
    """
    videos = walk(folder).videos
    if not videos:
        raise InputError(
            f"{folder} holds no video files ({' '.join(sorted(VIDEO_SUFFIXES))}) and no folders "
            "of frames (00001.jpg, img_00001.png, ...)"
        )
    depths = {len(Path(video).parts) for video in videos}
    if unlabelled:
        return [Entry(video) for video in videos]
    if len(depths) > 1 or max(depths) > 3:
        raise InputError(
            f"{folder} mixes levels: its videos must all lie directly in it (unlabelled), "
            "in class/ or in split/class/ folders; or write a list, or say --unlabelled"
        )
    entries = []
    for video in videos:
        *above, _ = ("", "", *(Path(video).parts or ("",)))
        entries.append(Entry(video, label=above[-1], split=above[-2]))
    return entries


def _in_order(paths: list[str]) -> tuple[str, ...]:
    return tuple(sorted(paths, key=lambda path: Path(path).parts))


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
