"""Lists and folders of videos in place of feature files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ...cache import FeatureFile
from ...extract.api import extract
from ...extract.features.sink import Progress
from ...extract.lists.labels import list_sha256
from ...extract.lists.videos import VideoItem, labels_of, read_videos
from ...extract.machine.machine import Machine
from ..training.processes import Processes
from .decoding import FEATURE_FILES


def videos_file(
    source: Path,
    processes: Processes,
    *,
    workers: int | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Path:
    """Make a feature file that says which videos there are, and how many frames of each decode.

    Args:
        source: a feature file, which is returned; or a list or folder of videos. They are decoded
            once, and the file is kept, without features, under ``cache/``; videos that failed are
            tried again.
        processes: those that train together; the first one decodes.
        workers: decoding processes; None for one per core.
        on_progress: called before the first video and after each.

    Raises:
        InputError: no such list, or no video in it.
    """
    if source.suffix in FEATURE_FILES:
        return source
    # Runs may be resumed from another folder than this one.
    items = [replace(item, path=Path(os.path.realpath(item.path))) for item in read_videos(source)]
    name = source.resolve().name if source.is_dir() else source.stem
    output = Path("cache") / f"videos-{_key(items)}" / f"{name}.h5"
    if processes.rank == 0:
        extract(
            items,
            output,
            modality="none",
            machine=Machine(workers=workers),
            retry_failed=None,
            on_event=on_progress,
        )
    processes.broadcast(None)  # the others wait
    return output


def _key(items: Sequence[VideoItem]) -> str:
    """A hash of these very videos: others may have the same ids, and one that has been replaced is
    to be counted again. Of a folder of frames, size and time change as frames come and go."""
    rows = []
    for item in items:
        size, time = 0, 0
        with suppress(OSError):  # such as a broken link; decoding says so
            stat = item.path.stat()
            size, time = stat.st_size, stat.st_mtime_ns
        rows.append(f"{item.id}\0{item.path}\0{size}\0{time}\n")
    text = list_sha256(labels_of(items)) + "".join(sorted(rows))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]


def check_videos(source: Path) -> None:
    """Refuse what `videos_file` would refuse before it decodes.

    Raises:
        InputError: no such feature file or list, or no video in it.
    """
    if source.suffix in FEATURE_FILES:
        FeatureFile(source)
    else:
        read_videos(source)
