"""The videos to predict: files, folders and lists, or a feature file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...cache.errors import InputError, printable
from ...extract.lists.selection import is_single_video, require_there
from ...extract.lists.videos import VideoItem, read_videos
from ..end_to_end.decoding import FEATURE_FILES


def is_stored(paths: Sequence[Path]) -> bool:
    """Whether videos are named by a feature file, which stands alone.

    Raises:
        InputError: it is named beside others.
    """
    stored = [path for path in paths if path.suffix in FEATURE_FILES]
    if stored and len(paths) > 1:
        raise InputError(f"name the feature file {stored[0]} alone: others are another command")
    return bool(stored)


def read_items(
    paths: Sequence[str | Path],
    *,
    root: Path | None = None,
    on_note: Callable[[str], None] = lambda note: None,
) -> list[VideoItem]:
    """The videos that files, folders and lists name, each once; their ids are their paths.

    Args:
        paths: of them.
        root: folder that the paths in lists start at.
        on_note: called with each line on what was found or assumed.

    Raises:
        InputError: one of them is missing or holds no video.
    """
    items: dict[str, VideoItem] = {}
    require_there([*map(Path, paths)])
    for path in map(Path, paths):
        found = [path]
        # A path that does not exist but is there is part of a folder of frames.
        if path.exists() and not is_single_video(path):
            listed = read_videos(path, root=root, unlabelled=True, on_note=on_note)
            found = [item.path for item in listed]
        for video in found:
            id_ = printable(video.as_posix())
            items[id_] = VideoItem(id_, video, "", "")
    return list(items.values())
