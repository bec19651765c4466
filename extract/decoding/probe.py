"""Whether a file of whatever name holds a video, by its first bytes."""

from __future__ import annotations

from contextlib import closing
from itertools import islice

import av

from .pyav import open_container
from .video import DecodeError

_HEAD = 4096  # bytes
_PACKETS = 1000  # of all streams, among which two of the video's are looked for


def holds_video(path: str) -> bool:
    """Whether a file holds a moving picture: no text, no image, no sound with a cover.

    Only its head is read.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    if b"\0" not in head:  # text, which may be a playlist; no container is without a zero
        return False
    try:
        with closing(open_container(path)) as container:
            return _has_moving_picture(container)
    except (DecodeError, av.error.FFmpegError):
        return False


def _has_moving_picture(container: av.container.InputContainer) -> bool:
    name = container.format.name
    stream = container.streams.best("video")
    if (
        name.endswith("_pipe")
        or name in ("image2", "tty")
        or not isinstance(stream, av.VideoStream)
    ):
        return False
    if not stream.codec_context or not stream.codec_context.width:
        return False
    packets = islice(container.demux(), _PACKETS)
    of_video = (p for p in packets if p.stream_index == stream.index and p.size)
    return len(list(islice(of_video, 2))) == 2
