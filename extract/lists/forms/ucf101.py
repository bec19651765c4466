"""UCF101's ``trainlist01.txt``: ``Class/v_Class_g08_c01.avi 1``; no number in its test lists.

The label is the folder: the number says the same, by ``classInd.txt``.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..entries.entry import Entry
from .form import LineForm

_LINE = re.compile(r"((?P<label>[^/\s]+)/v_[^/\s]+_g\d+_c\d+\.avi)(?:\s+\d+)?")


def _entry(text: str, path: Path) -> Entry | None:
    match = _LINE.fullmatch(text)
    return Entry(match[1], match["label"]) if match else None


UCF101 = LineForm("ucf101", "Class/v_Class_g01_c01.avi 1", _entry, rivals=("text",))
