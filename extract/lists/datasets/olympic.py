"""Olympic Sports: ``train_test_split/{train,test}/<class in words>.txt``, an id of a video a line.

The videos are distributed as Norpix sequences (.seq); users convert them, so any suffix is right.
"""

from __future__ import annotations

from pathlib import Path

from ....cache import InputError
from ....cache.errors import unknown
from .. import Entry
from ..forms.lines import read_lines
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
        Entry(line.text, _label(path), part, line.number, source=str(path))
        for part in ("train", "test")
        for path in files.lists(f"{part}/*.txt")
        for line in read_lines(path)
    ]


def _label(path: Path) -> str:
    """The class of a list; those of the two diving classes lack the word diving."""
    words = path.stem.lower().replace(" ", "_")
    for name in (words, f"diving_{words}"):
        if name in CLASSES:
            return name
    raise InputError(f"{path}: {unknown('class of Olympic Sports', path.stem, CLASSES)}")
