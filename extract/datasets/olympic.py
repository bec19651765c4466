"""Olympic Sports: ``train_test_split/{train,test}/<class in words>.txt``, an id of a video a line.

The videos are distributed as Norpix sequences (.seq); users convert them, so any suffix is right.
"""

from __future__ import annotations

from ...cache.errors import unknown
from ...cache.lists import Entry, normalise
from ...cache.lists.lines import read_lines
from .files import Files

CLASSES = (
    *("basketball_layup", "bowling", "clean_and_jerk", "discus_throw", "diving_platform_10m"),
    *("diving_springboard_3m", "hammer_throw", "high_jump", "javelin_throw", "long_jump"),
    *("pole_vault", "shot_put", "snatch", "tennis_serve", "triple_jump", "vault"),
)


def entries(files: Files, split: int) -> list[Entry]:
    """The videos of the official split; the labels are the names of the class folders.

    Raises:
        InputError: no lists, or one that is named like no class.
    """
    return [
        Entry(line.text, _label(path.stem), part, line.number)
        for part in ("train", "test")
        for path in files.lists(f"{part}/*.txt")
        for line in read_lines(path)
    ]


def _label(words: str) -> str:
    """The class of a list; those of the two diving classes lack the word diving."""
    for name in (normalise(words), f"diving_{normalise(words)}"):
        if name in CLASSES:
            return name
    raise unknown("class of Olympic Sports", words, CLASSES)
