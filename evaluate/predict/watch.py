"""Predict the videos of a folder as they arrive there."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...adapt.inference.ensemble import Ensemble
from ...adapt.inference.stream import Result, predict_videos
from ...cache import Failure, InputError
from ...cache.errors import printable, visible
from ...cache.parts import completes, recording_of
from ...extract.features.pipeline import Pipeline
from ...extract.features.plan import Plan
from ...extract.lists.folders.tree import walk
from ...extract.lists.videos import VideoItem

_PAUSE = 1.0  # seconds between two looks into the folder


@dataclass(frozen=True)
class Stamp:
    """What tells a file from the one that was there before.

    Args:
        size: bytes.
        modified: when it was written last, UTC, to the nanosecond.
    """

    size: str
    modified: str

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """That of a file; None where there is none any more."""
        try:
            status = path.stat()
        except OSError:
            return None
        seconds, rest = divmod(status.st_mtime_ns, 10**9)
        return cls(str(status.st_size), f"{np.datetime64(seconds, 's')}.{rest:09d}Z")


@dataclass(frozen=True)
class Arrival:
    """A video file that is complete; its id is its path in the folder."""

    item: VideoItem
    stamp: Stamp


def arrivals(
    folder: Path,
    known: Mapping[str, Stamp],
    *,
    settle: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[list[Arrival]]:
    """Wait for videos in a folder and its sub-folders, without end.

    Args:
        folder: that is watched. While it is gone, as a drive may be, nothing arrives.
        known: by id, the videos that are not wanted again unless they change; looked at anew each
            time. Windows of recordings may be among them.
        settle: seconds that a file's size and time must be at rest.
        clock: gives seconds.
        sleep: waits for seconds.

    Yields:
        those that are there and complete, at least one, the one that was written first in front.
    """
    since: dict[str, tuple[Stamp, float]] = {}  # when a stamp was seen first
    while True:
        now = clock()
        wanted = {id_: a for id_, a in _files(folder).items() if known.get(id_) != a.stamp}
        unseen = (None, now)
        since = {
            id_: (a.stamp, now) if since.get(id_, unseen)[0] != a.stamp else since[id_]
            for id_, a in wanted.items()
        }
        settled = [a for id_, a in wanted.items() if now - since[id_][1] >= settle]
        if settled:
            yield sorted(settled, key=lambda arrival: arrival.stamp.modified)
        else:
            sleep(_PAUSE)


def watch(
    runs: Ensemble,
    plan: Plan,
    folder: Path,
    known: dict[str, Stamp],
    *,
    settle: float,
    on_result: Callable[[Arrival, Result], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Predict videos as they arrive in a folder, without end.

    The decoding processes, one unless the machine's options say otherwise, and the model are kept.
    A video that cannot be read is a result too, and is not tried again before its file changes. One
    that changes or goes while it is read is no result. Of a recording that is known in part, only
    the missing windows are results.

    Args:
        runs, plan: as in `predict_videos`.
        folder, settle, clock, sleep: as in `arrivals`.
        known: as in `arrivals`; each result is added, and a recording with its last window.
        on_result: called with each, in another thread, before it is known.

    Raises:
        InputError: there is no such folder, or ``settle`` is no time.
    """
    if not 0 <= settle < math.inf:
        raise InputError(f"a file cannot be at rest for {settle:g} seconds: --settle 2")
    if not folder.is_dir():
        raise InputError(f"no such folder to watch: {folder}")
    workers = 1 if plan.machine.workers is None else plan.machine.workers
    with Pipeline(plan, workers=workers) as pipeline:
        for arrived in arrivals(folder, known, settle=settle, clock=clock, sleep=sleep):
            by_id = {arrival.item.id: arrival for arrival in arrived}

            def take(result: Result, by_id: Mapping[str, Arrival] = by_id) -> None:
                id_ = result.video if isinstance(result, Failure) else result.video.id
                arrival = by_id.get(id_) or by_id[recording_of(id_)]
                if Stamp.of(arrival.item.path) == arrival.stamp:
                    on_result(arrival, result)
                    known[id_] = known[completes(id_)] = arrival.stamp

            items = [arrival.item for arrival in arrived]
            stamps = {arrival.item.id: arrival.stamp for arrival in arrived}
            held = [id_ for id_, stamp in known.items() if stamps.get(recording_of(id_)) == stamp]
            predict_videos(runs, items, plan, on_result=take, pipeline=pipeline, held=held)


def _files(folder: Path) -> dict[str, Arrival]:
    """By id, the video files in a folder and its sub-folders."""
    found: dict[str, Arrival] = {}
    # By their names: an upload under a name such as a.mp4.part is no video yet.
    for name in walk(folder, probe=False).videos:
        path = folder / name
        stamp = Stamp.of(path) if path.is_file() else None  # no folder of frames
        if stamp:
            id_ = visible(printable(Path(name).as_posix()))
            found.setdefault(id_, Arrival(VideoItem(id_, path, "", ""), stamp))
    return found
