"""Jester v1: ``jester-v1-{train,validation}.csv``, lines ``34870;Drumming Fingers``; frame folders.

The official test videos have no labels and are left out: a domain that has a split "test" is tested
on it.
"""

from __future__ import annotations

from ....cache import InputError
from .. import Entry, read_list
from .files import Files


def entries(files: Files, split: int) -> list[Entry]:
    """The videos of the official train and validation lists.

    Raises:
        InputError: a list is missing, or has another form.
    """
    found = []
    for part in ("train", "validation"):  # which their names say too
        (path,) = files.lists(f"jester-v1-{part}.csv")
        entries = read_list(path, form="jester").entries
        if without := [entry.line for entry in entries if not entry.label]:
            raise InputError(f"{path} line {without[0]} is not of the form 'id;label': correct it")
        found += entries
    return found
