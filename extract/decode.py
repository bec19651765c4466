"""Read chosen frames of a video exactly.

decord returns wrong frames on some AVIs when asked for sparse indices, so every frame up to the
last one wanted is decoded in order, a block at a time, and only the wanted ones are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

DECODER = "decord"
_BLOCK = 32  # frames in memory at once, beside those kept


class DecodeError(RuntimeError):
    """A video that cannot be decoded; the message says why."""


@dataclass(frozen=True)
class Clip:
    """Chosen frames of one video: transformed ``images`` [n, ...] and their ``indices`` [n]."""

    images: Tensor
    indices: np.ndarray
    total: int  # frames in the video
    fps: float


def read_clip(
    path: str | Path,
    choose: Callable[[int], np.ndarray],
    transform: Callable[[np.ndarray], Tensor] = torch.from_numpy,
) -> Clip:
    """Decode the frames that ``choose`` picks.

    Args:
        path: the video.
        choose: increasing frame indices [n] of a video with the given number of frames.
        transform: applied to every block of wanted frames, [b, H, W, 3] uint8 RGB, so that large
            frames do not pile up.

    Raises:
        DecodeError: the file is empty, no video, or breaks off.
    """
    import decord

    if _is_transport_stream(path):
        raise DecodeError("decord reads MPEG transport streams wrongly: convert it to mp4")
    decord.logging.set_level(decord.logging.QUIET)
    try:
        # One thread a video: videos are decoded side by side.
        reader = decord.VideoReader(str(path), num_threads=1)
        total, fps = len(reader), float(reader.get_avg_fps())
        indices = choose(total) if total else np.empty(0, np.int64)
        kept = []
        stop = int(indices[-1]) + 1 if len(indices) else 0
        for first in range(0, stop, _BLOCK):
            block = range(first, min(first + _BLOCK, stop))
            wanted = indices[(indices >= block.start) & (indices < block.stop)]
            images = reader.get_batch(block).asnumpy()  # [block, H, W, 3]
            if len(wanted):
                kept.append(transform(images[wanted - first]))
    except (RuntimeError, decord.DECORDError) as error:
        raise DecodeError(_reason(error)) from None
    if not kept:
        raise DecodeError("it holds no frame")
    return Clip(torch.cat(kept), indices, total, fps)


def _is_transport_stream(path: str | Path) -> bool:
    """A sync byte every 188 bytes, or every 192 with a time code (M2TS)."""
    try:
        with open(path, "rb") as file:
            head = file.read(4 * 192)
    except OSError:
        return False
    return any(len(head) > 2 * n and head[s::n][:3] == b"GGG" for s, n in ((0, 188), (4, 192)))


def _reason(error: Exception) -> str:
    """The gist of a decord message, which may start with a time and end with a stack trace."""
    gist = str(error).strip().partition("\n")[0].rpartition("] ")[2]
    if gist.startswith("Error reading"):
        return "not a video that decord can open"
    if "cannot find video stream" in gist:
        return "it holds no video stream"
    return "damaged or cut off: " + re.sub(r"^\S+\.cc:\d+: (Error: )?", "", gist)[:120]
