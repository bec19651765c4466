"""EPIC's annotations as pickled frames: ``EPIC_100_uda_*.pkl``, MM-SADA's ``D1_train.pkl``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ....cache.errors import InputError
from ...pickles import Frame, read_pickle
from ..entry import Entry
from .epic import COLUMNS, entries_from_epic


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
