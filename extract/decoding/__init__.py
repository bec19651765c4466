"""Decoders: each reads a video from its start to its end and counts what really decodes."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np

from ...cache.parts import Part, Unit
from .span import split_path
from .video import DecodeError, ForwardVideo

DECODERS = ("auto", "pyav", "decord")
_HEAD = 2**16  # bytes

__all__ = [
    "DECODERS",
    "DecodeError",
    "ForwardVideo",
    "fingerprint",
    "is_part",
    "is_there",
    "open_video",
    "read_frames",
    "read_frames_at",
]


def is_there(path: Path) -> bool:
    """Whether `open_video` has something to try: a file, a frame folder or a part of one."""
    from .frames import is_frame_folder

    place, _ = split_path(str(path))
    return os.path.isfile(place) or is_frame_folder(place)


def is_part(path: str) -> bool:
    """Whether a path means a part of a video."""
    return split_path(path)[1] is not None


def fingerprint(path: str) -> str:
    """What tells a video from another of the same name, without reading it all: the bytes of its
    file or of the files of its folder, and the checksum of the first 64 KiB; "" where it is not
    there."""
    place, _ = split_path(path)
    try:
        if os.path.isdir(place):
            with os.scandir(place) as entries:
                sizes = {e.path: e.stat().st_size for e in entries if e.is_file()}
        else:
            sizes = {place: os.path.getsize(place)}
        with open(min(sizes), "rb") as first:
            return f"{sum(sizes.values())} {zlib.crc32(first.read(_HEAD)):08x}"
    except (OSError, ValueError):  # it is gone; or the folder is empty
        return ""


def open_video(
    path: str, decoder: str = "auto", *, on_progress: Callable[[], None] = lambda: None
) -> ForwardVideo:
    """Open a video for one pass; close it, or use it as a context manager.

    ``auto`` is ``pyav``: on every kind of file tried its frames were those of ffmpeg's own forward
    decode, and it converts to RGB only the frames wanted, which makes it the faster one too.
    A folder of frames is read as one whatever the decoder. ``PATH#frames=A-B`` and ``PATH#t=A,B``
    are parts, whose frames are counted from the part's start. A part in seconds of an MP4, Matroska
    or AVI file is decoded from a key frame before it, any other from the start of the file.

    Raises:
        DecodeError: the file or folder cannot be opened as a video.
    """
    path = os.path.abspath(path)  # a colon in a relative path would be taken for a protocol
    path, part = split_path(path)
    # Every package is needed only where it is used.
    if os.path.isdir(path):
        from .frames import FrameFolder

        return FrameFolder(path, part, on_progress)
    if decoder == "decord":
        from .decord import DecordVideo

        if part:
            raise DecodeError("decord reads whole files: use --decoder pyav")
        return DecordVideo(path, on_progress)
    from .pyav import PyavVideo

    return PyavVideo(path, on_progress, part)


def read_frames(path: str, choose: Callable[[int], np.ndarray]) -> list[np.ndarray]:
    """Some frames of a video, for figures: counted in one pass, read in a second.

    Args:
        path: the video.
        choose: increasing frame indices [n] for the number of frames that decode.

    Returns:
        n images [H, W, 3] uint8 RGB.

    Raises:
        DecodeError: no frame decodes.
    """
    with open_video(path) as video:
        if not video.count():
            raise DecodeError("no frame can be decoded")
    with open_video(path) as again:
        return list(again.frames(choose(video.total)))


def read_frames_at(path: str, places: np.ndarray, unit: Unit) -> list[np.ndarray]:
    """The first frames from some places of a video on, for figures.

    Args:
        path: the video.
        places: increasing, [n]: seconds, or numbers of frames.
        unit: of these.

    Returns:
        n images [H, W, 3] uint8 RGB.

    Raises:
        DecodeError: no frame decodes.
    """
    images = []
    for place in places.tolist():
        with open_video(f"{path}{Part(unit, place)}") as video:
            found = list(islice(video.frames(np.zeros(1, np.int64)), 1))
        # None is there where the last frame is shown for long.
        images += found or read_frames(path, lambda total: np.array([total - 1]))
    return images
