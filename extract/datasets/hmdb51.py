"""HMDB51: ``testTrainMulti_7030_splits/<class>_test_split<N>.txt``, lines ``name.avi 1``."""

from __future__ import annotations

from ...cache.lists import Entry
from .files import Files, read_lines, wrong_line

_SPLITS = {"0": "", "1": "train", "2": "test"}  # 0 is not used


def entries(files: Files, split: int) -> list[Entry]:
    """The videos of an official split that it uses; a list's name says the label.

    Raises:
        InputError: no lists, or one of another form.
    """
    found = []
    ending = f"_test_split{split}.txt"
    for path in files.lists(f"*{ending}"):
        label = path.name.removesuffix(ending)
        for number, line in read_lines(path):
            name, _, part = line.rpartition(" ")
            if not name or part not in _SPLITS:
                raise wrong_line(path, number, line, "name.avi 0|1|2")
            if _SPLITS[part]:
                found.append(Entry(f"{label}/{name.strip()}", label, _SPLITS[part], number))
    return found
