"""``path label``, or ``path`` alone: mmaction2's VideoDataset, pytorchvideo, SlowFast; and
``video,label``: CoMix, SlowFast with a comma.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..entries.entry import Entry
from ..entries.suffixes import VIDEO_SUFFIXES
from .form import LineForm
from .lines import cells, unquote, whole

_QUOTED = re.compile(r'"([^"]+)"(?:\s+(.*))?')


def _spaced(text: str, path: Path) -> Entry | None:
    if match := _QUOTED.fullmatch(text):
        return Entry(match[1], match[2] or "")
    name, label = _halves(text)
    if "," in text and path.suffix.lower() == ".csv" and whole(label) is None:
        return None  # cells with commas between them
    if not name or label.lower().endswith(VIDEO_SUFFIXES):  # a path alone, which may hold spaces
        return Entry(unquote(text))
    return Entry(unquote(name), label)


def _halves(text: str) -> tuple[str, str]:
    """What stands before and behind the last tab, or else the last white space."""
    *name, label = text.rsplit("\t" if "\t" in text else None, maxsplit=1)
    return "".join(name), label.strip()


def _comma(text: str, path: Path) -> Entry | None:
    try:
        name, label = cells(text)
    except ValueError:  # not two cells, or quotes that do not fit
        return None
    if not name or whole(label) is None:  # else it could be a header, or a path with a comma
        return None
    return Entry(name, label)


COMMA = LineForm("comma", "video,label", _comma)
TEXT = LineForm("text", "path label", _spaced)
