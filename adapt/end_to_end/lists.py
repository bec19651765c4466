"""Lists and folders of videos in the place of feature files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ...cache import FeatureFile
from ...extract.lists.labels import list_sha256
from ...extract.lists.videos import VideoItem, labels_of, read_videos
from ...extract.machine.machine import Machine
from ...extract.progress import extract_with_progress
from ..training.processes import Processes
from .decoding import FEATURE_FILES


def videos_file(source: Path, processes: Processes, *, workers: int | None = None) -> Path:
    """A feature file that says which videos there are, and how many frames each decodes to.

    Args:
        source: a feature file, which is returned; or a list or folder of videos. These are decoded
            once, and kept without features under ``cache/``; those that failed are tried again.
        processes: that train together; the first one decodes.
        workers: processes that decode; None for one per core.

    Raises:
        InputError: no such list, or nothing in it that is a video.
    """
    if source.suffix in FEATURE_FILES:
        return source
    # Runs may go on from another folder than this one.
    items = [replace(item, path=Path(os.path.realpath(item.path))) for item in read_videos(source)]
    name = source.resolve().name if source.is_dir() else source.stem
    output = Path("cache") / f"videos-{_key(items)}" / f"{name}.h5"
    if processes.rank == 0:
        machine = Machine(workers=workers)
        extract_with_progress(items, output, modality="none", machine=machine, retry_failed=None)
    processes.first_says(None)  # the others wait
    return output


def _key(items: Sequence[VideoItem]) -> str:
    """Of these very videos: others may have the same ids, and one that has been replaced is to be
    counted anew. Of a folder of frames its own size and time tell that frames came or went."""
    rows = []
    for item in items:
        size, time = 0, 0
        with suppress(OSError):  # a broken link, say; decoding tells of it
            stat = item.path.stat()
            size, time = stat.st_size, stat.st_mtime_ns
        rows.append(f"{item.id}\0{item.path}\0{size}\0{time}\n")
    text = list_sha256(labels_of(items)) + "".join(sorted(rows))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]


def check_videos(source: Path) -> None:
    """Refuse what `videos_file` would refuse before it decodes.

    Raises:
        InputError: no such feature file or list, or nothing in it that is a video.
    """
    if source.suffix in FEATURE_FILES:
        FeatureFile(source)
    else:
        read_videos(source)
