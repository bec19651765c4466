"""UCF50: ``Class/v_Class_gXX_cYY.avi``, without lists."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from ....cache import InputError
from .. import Entry
from .files import Files

_NAME = re.compile(r"v_(?P<label>.+)_g(?P<group>\d{1,3})_c\d+")
_TEST_GROUPS = 7  # as split 1 of UCF101, which tests on groups 1 to 7


def entries(files: Files, split: int) -> list[Entry]:
    """The videos by their names: groups 1 to 7 test, the others train.

    A label is spelt like the video's folder where they differ in case alone, as in
    ``HandstandPushups/v_HandStandPushups_g01_c01.avi``.

    Raises:
        InputError: no video is named like those of UCF50.
    """
    found = []
    for video in files.videos:
        path = PurePosixPath(video)
        if match := _NAME.fullmatch(path.name.removesuffix(path.suffix)):
            folder, label = path.parent.name, match["label"]
            label = folder if folder.lower() == label.lower() else label
            part = "test" if int(match["group"]) <= _TEST_GROUPS else "train"
            found.append(Entry(video, label, part))
    if not found:
        raise InputError(
            f"none of {len(files.videos)} videos is named like v_Basketball_g01_c01.avi: name the "
            "folder of UCF50 with --root"
        )
    return found
