"""HMDB51: ``testTrainMulti_7030_splits/<class>_test_split<N>.txt``, lines ``name.avi 1``."""

from __future__ import annotations

from dataclasses import replace

from .. import Entry, read_list
from .files import Files


def entries(files: Files, split: int) -> list[Entry]:
    """The videos of an official split that it uses; a list's name says the label.

    Raises:
        InputError: no lists, or one of another form.
    """
    return [
        replace(entry, name=f"{entry.label}/{entry.name}")
        for path in files.lists(f"*_test_split{split}.txt")
        for entry in read_list(path, form="hmdb51").entries
    ]
