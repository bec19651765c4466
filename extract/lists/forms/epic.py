"""EPIC-Kitchens' annotations: one action per row, of which a video holds many.

EPIC-100 and its UDA challenge call an action by its ``narration_id``, such as ``P01_01_17``;
EPIC-55 and MM-SADA by a number, ``uid``, which becomes ``P01_01_17`` likewise. The tables are csv
files or pickles: ``EPIC_100_uda_*.pkl``, MM-SADA's ``D1_train.pkl``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ....cache.errors import InputError
from ...pickles import Frame, read_pickle
from ..entries.entry import Entry
from .form import TableForm
from .lines import check_length

COLUMNS = ("narration_id", "uid", "video_id", "start_frame", "stop_frame", "verb_class")


def entries_from_epic(rows: Iterable[Mapping[str, object]]) -> list[Entry]:
    """Entries of annotations, wherever their rows come from.

    Args:
        rows: with ``video_id``, ``start_frame``, ``stop_frame``, ``narration_id`` or ``uid``, and,
            where known, ``verb_class``. Other columns do not matter.

    Returns:
        per row its action: the name ``<video_id>_<number>``, the verb class's number as label, ""
        where there is none, and the frames, both included. ``line`` counts the rows from 1.

    Raises:
        InputError: a row lacks one of these, or its frames are no numbers.
    """
    entries = []
    for number, row in enumerate(rows, start=1):
        try:
            entries.append(replace(_entry(row), line=number))
        except InputError as error:
            raise InputError(f"row {number}: {error}") from None
    return entries


def entries_from_pickle(path: Path, *, trust: bool) -> list[Entry]:
    """Entries of a pickled table of annotations.

    Args:
        path: the pickle.
        trust: that the user vouches for it.

    Raises:
        InputError: no trust, no such file, damaged, or no table with these columns.
    """
    frame = read_pickle(path, trust=trust)
    if not isinstance(frame, Frame):
        raise InputError(f"{path} holds a {type(frame).__name__}, not a table of annotations")
    try:
        columns = frame.columns(COLUMNS)
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        entries = entries_from_epic(rows)
    except Exception as error:  # damaged frames raise anything
        raise InputError(f"{path} {error}: is there a csv of it?") from None
    if not entries:
        raise InputError(f"{path} lists no action")
    return [replace(entry, source=str(path)) for entry in entries]


def video_of(name: str) -> str:
    """The video that an action's name begins with: ``P01_01`` of ``P01_01_17``."""
    return name.rpartition("_")[0]


def _entry(row: Mapping[str, object]) -> Entry:
    video = _text(row, "video_id")
    action = _text(row, "narration_id") or _text(row, "uid")
    if not video or not action:
        raise InputError("an action needs a video_id and a narration_id or uid")
    name = action if video_of(action) == video else f"{video}_{action}"
    # The column verb is what the narrator said: many words make one class.
    return Entry(
        name, _text(row, "verb_class"), span=(_frame(row, "start_frame"), _frame(row, "stop_frame"))
    )


def _text(row: Mapping[str, object], column: str) -> str:
    """A cell; "" where there is none. Whole numbers lose the .0 that a gap in their column makes
    pandas write."""
    value = row.get(column)
    if isinstance(value, str):
        check_length(column, value)
    text = "" if value is None else str(value).strip()
    return "" if text.lower() == "nan" else text.removesuffix(".0")


def _frame(row: Mapping[str, object], column: str) -> int:
    text = _text(row, column)
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise InputError(f"{column} '{text}' is not a frame number")
    return int(text)


EPIC = TableForm(
    "epic", frozenset({"video_id", "start_frame", "stop_frame"}), _entry, split_in_name=True
)
