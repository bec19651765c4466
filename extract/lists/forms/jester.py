"""Jester's ``jester-v1-train.csv``: ``34870;Drumming Fingers``; in the test list ids alone."""

from __future__ import annotations

import re
from pathlib import Path

from ..entries.entry import Entry
from .form import LineForm

_LINE = re.compile(r"([0-9]+)(?:;([^;]*))?")


def _entry(text: str, path: Path) -> Entry | None:
    match = _LINE.fullmatch(text)
    return Entry(match[1], (match[2] or "").strip()) if match else None


JESTER = LineForm("jester", "id;label", _entry)
