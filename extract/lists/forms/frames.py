"""Folders of frames: ``dir num_frames label`` and ``dir start end label``.

The first is TSN's form, which mmaction2 (RawframeDataset), TA3N, TranSVAE and TransferAttn took
over; the second pykale's, where ``end`` counts too and further numbers are further labels.
"""

from __future__ import annotations

from pathlib import Path

from ....cache.errors import InputError
from ..entries.entry import Entry
from ..entries.suffixes import VIDEO_SUFFIXES
from .form import LineForm
from .lines import unquote, whole


def _counted(text: str, path: Path) -> Entry | None:
    words = text.rsplit(maxsplit=2)
    if len(words) != 3 or (frames := whole(words[1])) is None:
        return None
    return Entry(unquote(words[0]), words[2], frames=frames)


def _spanned(text: str, path: Path) -> Entry | None:
    numbers: list[int] = []
    for word in reversed(text.split()[1:]):  # from the right: a name may hold spaces
        if (number := whole(word)) is None:
            break
        numbers.insert(0, number)
    if len(numbers) < 3:
        return None
    name = text.rsplit(maxsplit=len(numbers))[0]
    start, end, label, *_ = numbers
    if name.lower().endswith(VIDEO_SUFFIXES):  # mmaction2's lists of several classes look so too
        raise InputError(
            f"{name} is a video file: frames {start} to {end} can be taken of a folder of frames "
            "alone; if these are classes, give the first alone"
        )
    return Entry(unquote(name), str(label), span=(start, end))


FRAMES = LineForm("frames", "dir num_frames label", _counted, rivals=("text",))
SPAN = LineForm("span", "dir start end label", _spanned, rivals=("frames",))
