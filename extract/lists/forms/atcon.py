"""ATCoN's and DALL-V's lists: number, label and ``class/video`` with tabs between them."""

from __future__ import annotations

from pathlib import Path

from ..entries.entry import Entry
from .form import LineForm
from .lines import unquote, whole


def _entry(text: str, path: Path) -> Entry | None:
    words = text.split("\t")
    if len(words) != 3 or whole(words[0]) is None or whole(words[1]) is None:
        return None
    name = unquote(words[2])
    return Entry(name, words[1].strip()) if "/" in name else None


ATCON = LineForm("atcon", "number<tab>label<tab>class/video", _entry)
