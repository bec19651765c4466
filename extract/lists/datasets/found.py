"""Which videos of an official dataset are there, and which are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ....cache.errors import InputError, printable
from .. import Entry
from ..entries.entry import check_same
from ..folders.passed import PassedOver
from ..matching import join
from ..videos import VideoItem
from .files import Files

_SHOWN = 3


@dataclass(frozen=True)
class Found:
    """The listed videos.

    Args:
        items: those that are there.
        missing: names of the others.
        hints: the first of them, with the files that may be meant.
        passed: what lies beside the videos and is none.
    """

    items: list[VideoItem]
    missing: list[str]
    hints: list[str]
    passed: tuple[PassedOver, ...] = ()

    def __str__(self) -> str:
        total = len(self.items) + len(self.missing)
        if not self.missing:
            return f"all {total} listed videos are there"
        first = "; ".join(self.hints) + "; ..." * (len(self.missing) > len(self.hints))
        return f"{len(self.items)} of {total} listed videos are there, missing are {first}"


def find(entries: Sequence[Entry], files: Files, root: Path, *, named_ids: bool) -> Found:
    """Find the file or frame folder of every entry.

    Args:
        entries: what the lists say.
        files: what is there.
        root: folder that the paths of the videos start at.
        named_ids: a video's id is its name in the list, else its path below the root.

    Raises:
        InputError: no listed video is there, or one is listed twice with other labels or splits.
    """
    joined = join(entries, files.videos)
    meant: dict[str, Entry] = {}  # by the videos
    missing = []
    for entry, video in zip(entries, joined.found, strict=True):
        if video is None:
            missing.append(entry)
        else:
            check_same(entry.name, meant.setdefault(video, entry), entry)
    hints = []
    for entry in missing[:_SHOWN]:
        reason = joined.explain(entry)
        hints.append(printable(f"{entry.name} ({reason})" if reason else entry.name))
    if not meant:
        there = f"other videos, as {files.videos[0]}" if files.videos else "no videos"
        raise InputError(
            f"none of the {len(entries)} listed videos is below {root}, but {printable(there)}; "
            f"missing are {'; '.join(hints)}: name the folder of the videos with --root"
        )
    items = [
        VideoItem(
            entry.name if named_ids else printable(video), root / video, entry.label, entry.split
        )
        for video, entry in meant.items()
    ]
    return Found(items, [entry.name for entry in missing], hints, files.passed)
