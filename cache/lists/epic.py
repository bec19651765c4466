"""EPIC-Kitchens' annotations: one action per row, of which a video holds many.

EPIC-100 and its UDA challenge call an action by its ``narration_id``, such as ``P01_01_17``;
EPIC-55 and MM-SADA by a number, ``uid``, which becomes ``P01_01_17`` likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import InputError
from .entry import Entry

COLUMNS = ("narration_id", "uid", "video_id", "start_frame", "stop_frame", "verb_class")


def entries_from_epic(rows: Iterable[Mapping[str, object]]) -> list[Entry]:
    """Entries of annotations, wherever their rows come from.

    Args:
        rows: with those of `COLUMNS` that they have; others do not matter.

    Returns:
        per row its action: the name ``<video_id>_<number>``, the verb class's number as label, ""
        where there is none, and the frames, both included. ``line`` counts the rows from 1.

    Raises:
        InputError: a row has no video or number, or its frames are no numbers.
    """
    return [_entry(row, number) for number, row in enumerate(rows, start=1)]


def _entry(row: Mapping[str, object], number: int) -> Entry:
    video, action = _text(row, "video_id"), _text(row, "narration_id") or _text(row, "uid")
    if not video or not action:
        raise InputError(f"row {number}: an action needs a video_id and a narration_id or uid")
    span = tuple(_text(row, column) for column in ("start_frame", "stop_frame"))
    if not all(frame.isascii() and frame.isdigit() and len(frame) < 11 for frame in span):
        raise InputError(f"row {number}: its frames are {' to '.join(span)!r:.60}, no numbers")
    return Entry(
        name=action if action.startswith(f"{video}_") else f"{video}_{action}",
        label=_text(row, "verb_class"),
        line=number,
        span=(int(span[0]), int(span[1])),
    )


def _text(row: Mapping[str, object], column: str) -> str:
    """A cell; a whole number without the .0 that gaps in a column bring, "" for a gap."""
    value = row.get(column)
    text = "" if value is None else str(value).strip()
    return "" if text == "nan" else text.removesuffix(".0")
