"""What lists and their files call the splits."""

from __future__ import annotations

import re
from pathlib import Path

from ....cache.errors import InputError
from ....cache.schema import SPLITS

_SAME = {
    "training": "train",
    "valid": "val",
    "validate": "val",
    "validation": "val",
    "testing": "test",
    # MA2L-TD tests on its eval lists.
    "eval": "test",
    "evaluation": "test",
}
# "trainlist01", "hmdb_eval", "jester-v1-validation"; not "trainval" or "latest"
_WORDS = "|".join(filter(None, (*SPLITS, *_SAME)))
_IN_NAME = re.compile(rf"(?<![a-z])({_WORDS})(?:list)?(?![a-z])")


def read_split(name: str) -> str:
    """The split that a list or folder calls ``name``; "" for "".

    Raises:
        InputError: it is none.
    """
    split = _SAME.get(name.lower(), name.lower())
    if split not in SPLITS:
        raise InputError(f"split '{name}' is not one of train, val, test")
    return split


def split_in_name(path: Path) -> str:
    """The one split that a file's name speaks of, as ``trainlist01.txt``; else ""."""
    found = {read_split(word) for word in _IN_NAME.findall(path.stem.lower())}
    return found.pop() if len(found) == 1 else ""
