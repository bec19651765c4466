"""UCF101: ``ucfTrainTestlist/{train,test}list0N.txt``, lines ``Class/v_Class_gXX_cYY.avi 1``."""

from __future__ import annotations

from .. import Entry, read_list
from .files import Files


def entries(files: Files, split: int) -> list[Entry]:
    """The videos of an official split; the labels are the folders that the lists name.

    Raises:
        InputError: a list is missing, or has another form.
    """
    found = []
    for part in ("train", "test"):  # which their names say too
        (path,) = files.lists(f"{part}list{split:02d}.txt")
        found += read_list(path, form="ucf101").entries
    return found
