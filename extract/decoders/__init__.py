"""Decoders: each reads a video from its start to its end and counts what really decodes."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from .video import DecodeError, ForwardVideo

DECODERS = ("auto", "pyav", "decord")

__all__ = ["DECODERS", "DecodeError", "ForwardVideo", "open_video", "read_frames"]


def open_video(
    path: str, decoder: str = "auto", *, on_progress: Callable[[], None] = lambda: None
) -> ForwardVideo:
    """Open a video for one pass; close it, or use it as a context manager.

    ``auto`` is ``pyav``: on every kind of file tried its frames were those of ffmpeg's own forward
    decode, and it converts to RGB only the frames wanted, which makes it the faster one too.

    Raises:
        DecodeError: the file cannot be opened as a video.
    """
    path = os.path.abspath(path)  # a colon in a relative path would be taken for a protocol
    # Either package is needed only where it is used.
    if decoder == "decord":
        from .decord import DecordVideo

        return DecordVideo(path, on_progress)
    from .pyav import PyavVideo

    return PyavVideo(path, on_progress)


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
        total = video.count()
    if not total:
        raise DecodeError("no frame can be decoded")
    with open_video(path) as video:
        return list(video.frames(choose(total)))
