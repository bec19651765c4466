"""Kinetics' own csv: ``label,youtube_id,time_start,time_end,split``; no label in the test list.

The clip of a row is the file ``<youtube_id>_<time_start>_<time_end>.mp4`` with six digits each.
"""

from __future__ import annotations

from collections.abc import Mapping

from ....cache.errors import InputError
from ..entries.entry import Entry
from ..entries.splits import read_split
from .form import TableForm


def _entry(row: Mapping[str, str]) -> Entry:
    if not row["youtube_id"]:
        raise InputError("the column youtube_id is empty")
    start, end = (_seconds(row[column]) for column in ("time_start", "time_end"))
    name = f"{row['youtube_id']}_{start:06d}_{end:06d}"
    return Entry(name, row.get("label", ""), read_split(row.get("split", "")))


def _seconds(cell: str) -> int:
    try:
        seconds = int(float(cell))
    except (ValueError, OverflowError):
        raise InputError(f"time '{cell}' is not a number of seconds") from None
    if not 0 <= seconds < 10**6:
        raise InputError(f"time '{cell}' is not a number of seconds in a video")
    return seconds


KINETICS = TableForm("kinetics", frozenset({"youtube_id", "time_start", "time_end"}), _entry)
