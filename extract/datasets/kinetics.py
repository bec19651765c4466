"""Kinetics: csv files with the header ``label,youtube_id,time_start,time_end,split``.

A video is ``<youtube_id>_000010_000020.mp4``, or ``<youtube_id>.mp4``, in a folder of its class or
not. Videos without a label, as in some test lists, are left out: a domain that has a split "test"
is tested on it.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from ...cache.lists import Entry
from .files import Files, read_lines, wrong_line

_HEADER = "label,youtube_id,time_start,time_end,split"
_SPLITS = {"train": "train", "val": "val", "validate": "val", "validation": "val", "test": "test"}


def entries(files: Files, split: int) -> list[Entry]:
    """The labelled videos of all lists, each once.

    Raises:
        InputError: no such lists, or one with a line of another form.
    """
    stems = {PurePosixPath(video).stem for video in files.videos}
    found: dict[str, Entry] = {}
    for path in files.lists("*.csv", accept=_is_list):
        (_, header), *lines = read_lines(path)
        (columns,) = csv.reader([header])
        for number, line in lines:
            try:
                (cells,) = csv.reader([line])
                row = dict(zip(columns, cells, strict=True))
                entry = _entry(row, number, stems)
            except (KeyError, ValueError, OverflowError, csv.Error):
                raise wrong_line(path, number, line, _HEADER) from None
            if entry.label:
                found.setdefault(entry.name, entry)
    return list(found.values())


def _is_list(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return set(file.readline(1000).strip().split(",")) >= set(_HEADER.split(","))


def _entry(row: Mapping[str, str], number: int, stems: Collection[str]) -> Entry:
    """A row; a video is named by its id alone where no file's name has the times too."""
    start, end = (round(float(row[time])) for time in ("time_start", "time_end"))
    name = f"{row['youtube_id']}_{start:06d}_{end:06d}"
    if name not in stems and row["youtube_id"] in stems:
        name = row["youtube_id"]
    return Entry(name, row["label"], _SPLITS[row["split"]], number)
