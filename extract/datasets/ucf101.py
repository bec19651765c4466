"""UCF101: ``ucfTrainTestlist/{train,test}list0N.txt``, lines ``Class/v_Class_gXX_cYY.avi 1``."""

from __future__ import annotations

import re

from ...cache.lists import Entry
from .files import Files, read_lines, wrong_line

# The number of the class, counted from 1, stands in the training lists alone.
_LINE = re.compile(r"(?P<name>(?P<label>[^/\s]+)/\S+)(\s+\d+)?")


def entries(files: Files, split: int) -> list[Entry]:
    """The videos of an official split; the labels are the folders that the lists name.

    Raises:
        InputError: a list is missing, or has another form.
    """
    found = []
    for part in ("train", "test"):
        (path,) = files.lists(f"{part}list{split:02d}.txt")
        for number, line in read_lines(path):
            match = _LINE.fullmatch(line)
            if not match:
                raise wrong_line(path, number, line, "Class/v_Class_g01_c01.avi 1")
            found.append(Entry(match["name"], match["label"], part, number))
    return found
