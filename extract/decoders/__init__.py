"""Decoders: each reads a video from its start to its end and counts what really decodes."""

from __future__ import annotations

from collections.abc import Callable

from .video import DecodeError, ForwardVideo

DECODERS = ("auto", "pyav", "decord")

__all__ = ["DECODERS", "DecodeError", "ForwardVideo", "open_video"]


def open_video(
    path: str, decoder: str = "auto", *, on_progress: Callable[[], None] = lambda: None
) -> ForwardVideo:
    """Open a video for one pass; close it, or use it as a context manager.

    ``auto`` is ``pyav``: on every kind of file tried its frames were those of ffmpeg's own forward
    decode, and it converts to RGB only the frames wanted, which makes it the faster one too.

    Raises:
        DecodeError: the file cannot be opened as a video.
    """
    # Either package is needed only where it is used.
    if decoder == "decord":
        from .decord import DecordVideo

        return DecordVideo(path, on_progress)
    from .pyav import PyavVideo

    return PyavVideo(path, on_progress)
