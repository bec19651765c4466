"""How many frames each video of a list has: counted once by decoding it, then looked up.

Training on videos needs the true numbers before the first step, and containers announce false ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from ..cache import Failure, InputError, Video
from .cores import cores
from .decode_pool import DecodePool
from .lists import VideoItem
from .snippets import Decoded, Reading, too_few


@dataclass(frozen=True)
class Count:
    """A line of the store: what a video file decoded to.

    Args:
        path: absolute.
        size: of the file, bytes.
        mtime: when it was changed, nanoseconds.
        frames, fps, decoder, damage: see `Video`.
    """

    path: str
    size: int
    mtime: int
    frames: int
    fps: float
    decoder: str
    damage: str


def take_census(
    items: Sequence[VideoItem],
    store: str | Path,
    *,
    workers: int | None = None,
    min_frames: int = 16,
    time_limit: float = 120.0,
    on_progress: Callable[[int, int], None] = lambda counted, todo: None,
) -> tuple[list[Video], list[Failure]]:
    """Count the frames of the videos that are new or have changed; look up the others.

    Args:
        items: the videos.
        store: a file of JSON lines that is extended with each count, so that a killed census goes
            on where it was. Failures are not stored: they are tried again.
        workers: decoding processes; None for one per core, 0 to decode in this process.
        min_frames: a video of which fewer decode has failed.
        time_limit: seconds that a video may go without a new frame before it is given up.
        on_progress: called with how many videos are counted, and how many were to be counted.

    Returns:
        the videos, and those that failed; each in the order of ``items``. A video's ``path`` is the
        one that opens it.

    Raises:
        InputError: the store cannot be read or written.
    """
    store = Path(store)
    counts = _read(store)
    keys = {item.id: _key(item.path) for item in items}
    todo = [item for item in items if keys[item.id] not in counts]
    reasons: dict[str, str] = {}
    on_progress(0, len(todo))
    if todo:
        workers = min(cores() if workers is None else workers, len(todo))
        with (
            _appending(store) as file,
            DecodePool(Reading({}, min_frames=1), workers=workers, time_limit=time_limit) as pool,
        ):
            answers = filter(None, pool.decode(todo))
            for counted, (item, answer) in enumerate(answers, start=1):
                if isinstance(answer, Decoded):
                    count = Count(
                        *keys[item.id], answer.frames, answer.fps, answer.decoder, answer.damage
                    )
                    counts[keys[item.id]] = count
                    file.write(json.dumps(asdict(count)) + "\n")
                    file.flush()
                else:
                    reasons[item.id] = str(answer)
                on_progress(counted, len(todo))
    videos, failures = [], []
    for item in items:
        count = counts.get(keys[item.id])
        if count is None:
            failures.append(Failure(item.id, "decode", reasons[item.id]))
        elif count.frames < min_frames:
            reason = too_few(count.frames, count.damage, min_frames, min_frames)
            failures.append(Failure(item.id, "decode", reason))
        else:
            told = (count.frames, count.fps, count.decoder, count.damage)
            videos.append(Video(item.id, item.label, item.split, str(item.path), *told))
    return videos, failures


_Key = tuple[str, int, int]  # path, size, mtime


def _key(path: Path) -> _Key:
    absolute = os.path.abspath(path)
    try:
        status = os.stat(absolute)
    except OSError:  # decoding it says why
        return absolute, -1, -1
    return absolute, status.st_size, status.st_mtime_ns


def _read(store: Path) -> dict[_Key, Count]:
    if not store.exists():
        return {}
    try:
        lines = store.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{store} is no readable census: {error}") from None
    counts = [count for count in map(_parse, lines) if count]
    if lines and not counts:
        raise InputError(f"{store} is no census of videos: name another file")
    return {(count.path, count.size, count.mtime): count for count in counts}


def _parse(line: str) -> Count | None:
    """None where a kill cut the line off."""
    try:
        return Count(**json.loads(line))
    except (ValueError, TypeError):
        return None


def _appending(store: Path) -> IO[str]:
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        cut_off = store.exists() and store.stat().st_size and store.read_bytes()[-1:] != b"\n"
        file = store.open("a", encoding="utf-8")
        file.write("\n" * bool(cut_off))
    except OSError as error:
        raise InputError(f"cannot write {store}: {error.strerror}") from None
    return file
