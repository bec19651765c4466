"""Which videos of an official dataset are there, and which are not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...cache import InputError
from ...cache.lists import Entry, Names
from ..lists import VideoItem, printable
from .files import Files

_SHOWN = 3


@dataclass(frozen=True)
class Found:
    """The listed videos.

    Args:
        items: those that are there.
        missing: names of the others.
        hints: the first of them, with files of similar names.
    """

    items: list[VideoItem]
    missing: list[str]
    hints: list[str]

    def __str__(self) -> str:
        total = len(self.items) + len(self.missing)
        if not self.missing:
            return f"all {total} listed videos are there"
        first = "; ".join(self.hints) + "; ..." * (len(self.missing) > len(self.hints))
        return f"{len(self.items)} of {total} listed videos are there, missing are {first}"


def join(entries: Sequence[Entry], files: Files, root: Path, *, named_ids: bool) -> Found:
    """Find the file or frame folder of every entry.

    Args:
        entries: what the lists say.
        files: what is there.
        root: folder that the paths of the videos start at.
        named_ids: a video's id is its name in the list, else its path below the root.

    Raises:
        InputError: no listed video is there.
    """
    names = Names(files.videos)
    claims: dict[str, list[Entry]] = defaultdict(list)
    missing: list[Entry] = []
    for entry in entries:
        fitting = names.find(entry.name, label=entry.label)
        if len(fitting) == 1:
            claims[fitting[0]].append(entry)
        else:
            missing.append(entry)
    items = []
    for video, claim in claims.items():
        # Where rewriting made two names alike, the file is the one that has kept its own.
        entry, *others = sorted(claim, key=lambda entry: _stem(entry.name) != _stem(video))
        missing += others
        id_ = entry.name if named_ids else printable(video)
        items.append(VideoItem(id_, root / video, entry.label, entry.split))
    spare = Names(video for video in files.videos if video not in claims)
    hints = [_hint(entry, spare) for entry in missing[:_SHOWN]]
    if not items:
        there = f"other videos, as {files.videos[0]}" if files.videos else "no videos"
        raise InputError(
            f"none of the {len(entries)} listed videos is below {root}, but {printable(there)}; "
            f"missing are {'; '.join(hints)}: name the folder of the videos with --root"
        )
    return Found(items, [entry.name for entry in missing], hints)


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def _hint(entry: Entry, spare: Names) -> str:
    """The name of a missing video, and which of the files that are left may be it."""
    fitting = spare.find(entry.name, label=entry.label)
    if len(fitting) > 1:
        return printable(f"{entry.name} (is it {fitting[0]} or {fitting[1]}?)")
    near = [] if entry.name.isdecimal() else spare.nearest(entry.name)  # no id is near another
    return printable(f"{entry.name} (near: {near[0]})" if near else entry.name)
