"""Kinetics: csv files with the header ``label,youtube_id,time_start,time_end,split``.

A video is ``<youtube_id>_000010_000020.mp4``, or ``<youtube_id>.mp4``, in a folder of its class or
not. Videos without a label, as in some test lists, are left out: a domain that has a split "test"
is tested on it.
"""

from __future__ import annotations

from pathlib import Path

from .. import Entry, read_list
from ..entries.entry import check_same
from .files import Files

_COLUMNS = {"youtube_id", "time_start", "time_end"}


def entries(files: Files, split: int) -> list[Entry]:
    """The labelled videos of all lists, each once.

    Raises:
        InputError: no such lists, one with a line of another form, or two rows that say different
            things of a video.
    """
    found: dict[str, Entry] = {}
    for path in files.lists("*.csv", accept=_is_list):
        for entry in read_list(path, form="kinetics").entries:
            if entry.label:
                check_same(entry.name, found.setdefault(entry.name, entry), entry)
    return list(found.values())


def _is_list(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return set(file.readline(1000).strip().split(",")) >= _COLUMNS
