"""Jester v1: ``jester-v1-{train,validation}.csv``, lines ``34870;Drumming Fingers``; frame folders.

The official test videos have no labels and are left out: a domain that has a split "test" is tested
on it.
"""

from __future__ import annotations

from ...cache.lists import Entry
from .files import Files, read_lines, wrong_line


def entries(files: Files, split: int) -> list[Entry]:
    """The videos of the official train and validation lists.

    Raises:
        InputError: a list is missing, or has another form.
    """
    found = []
    for name, part in (("train", "train"), ("validation", "val")):
        (path,) = files.lists(f"jester-v1-{name}.csv")
        for number, line in read_lines(path):
            id_, _, label = line.partition(";")
            if not id_.isdecimal() or not label:
                raise wrong_line(path, number, line, "34870;Drumming Fingers")
            found.append(Entry(id_, label, part, number))
    return found
