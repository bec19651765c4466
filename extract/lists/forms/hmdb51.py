"""HMDB51's ``<class>_test_split1.txt``: ``name.avi 1``; 1 train, 2 test, 0 not used."""

from __future__ import annotations

import re
from pathlib import Path

from ..entries.entry import Entry
from .form import UNUSED, LineForm

_FILE = re.compile(r"(?P<label>.+)_test_split[123]\.txt", re.IGNORECASE)
_LINE = re.compile(r"(.+\.avi)\s+([012])", re.IGNORECASE)


def _entry(text: str, path: Path) -> Entry | None:
    file, match = _FILE.fullmatch(path.name), _LINE.fullmatch(text)
    if not file or not match:
        return None
    name, use = match.groups()
    return UNUSED if use == "0" else Entry(name, file["label"], "train" if use == "1" else "test")


HMDB51 = LineForm("hmdb51", "name.avi 1", _entry, split_in_name=False)
