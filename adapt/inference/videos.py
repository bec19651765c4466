"""The videos to predict: files, folders and lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...cache.errors import InputError, printable
from ...extract.decoding import is_there
from ...extract.lists.selection import is_single_video
from ...extract.lists.videos import VideoItem, read_videos


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
    for path in map(Path, paths):
        if not path.exists() and not is_there(path):
            raise InputError(f"no such video, folder or list: {path}")
        found = [path]
        # A path that does not exist but is there is part of a folder of frames.
        if path.exists() and not is_single_video(path):
            listed = read_videos(path, root=root, unlabelled=True, on_note=on_note)
            found = [item.path for item in listed]
        for video in found:
            id_ = printable(video.as_posix())
            items[id_] = VideoItem(id_, video, "", "")
    return list(items.values())
