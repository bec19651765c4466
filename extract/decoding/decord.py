"""Forward decoding by decord.

decord returns wrong frames on some AVIs when asked for sparse indices, so every frame is read in
order, a block at a time. It repeats frames silently where a video is damaged, and counts packets,
not frames: it cannot tell damage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import decord
import numpy as np

from .video import DecodeError, ForwardVideo

_BLOCK = 32  # frames in memory at once
_CENTURY = 3e9  # seconds


class DecordVideo(ForwardVideo):
    """See `ForwardVideo`.

    Raises:
        DecodeError: decord cannot open the file, or reads its kind wrongly.
    """

    decoder = "decord"
    damage = ""

    def __init__(self, path: str, on_progress: Callable[[], None]) -> None:
        super().__init__(on_progress)
        head = _head(path)
        if _is_transport_stream(head):
            raise DecodeError("decord reads MPEG transport streams wrongly: use --decoder pyav")
        if head and b"\0" not in head:  # text: decord would follow a playlist, even to the network
            raise DecodeError("not a video")
        decord.logging.set_level(decord.logging.QUIET)
        try:
            self._reader = decord.VideoReader(path, num_threads=1)
            self.expected, self.fps = len(self._reader), float(self._reader.get_avg_fps())
            self._shown = self._intervals()
        except (RuntimeError, decord.DECORDError) as error:
            raise DecodeError(_reason(error)) from None

    def frames(self, wanted: np.ndarray | None) -> Iterator[np.ndarray]:
        for first in range(0, self.expected, _BLOCK):
            block = range(first, min(first + _BLOCK, self.expected))
            try:
                images = self._reader.get_batch(block).asnumpy()  # [block, H, W, 3]
            except (RuntimeError, decord.DECORDError) as error:
                raise DecodeError(_reason(error)) from None
            self.total = block.stop
            self.times.extend(self._shown[block, 0].tolist())
            self.duration = float(self._shown[block[-1], 1])
            self.on_progress()
            if wanted is None:
                yield from images
            else:
                yield from images[wanted[(wanted >= block.start) & (wanted < block.stop)] - first]

    def _intervals(self) -> np.ndarray:
        """From when to when each frame is shown, [n, 2] seconds."""
        shown = self._reader.get_frame_timestamp(np.arange(self.expected)).astype(np.float64)
        if (shown < -_CENTURY).any():  # packets without a time stamp, sorted before all others
            shown = (np.arange(self.expected)[:, None] + [0, 1]) / self.fps
        return shown

    def close(self) -> None:
        del self._reader


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(4 * 192)
    except OSError:  # decord says why
        return b""


def _is_transport_stream(head: bytes) -> bool:
    """A sync byte every 188 bytes, or every 192 with a time code (M2TS)."""
    return any(len(head) > 2 * n and head[s::n][:3] == b"GGG" for s, n in ((0, 188), (4, 192)))


def _reason(error: Exception) -> str:
    """The gist of a decord message, which may start with a time and end with a stack trace."""
    gist = str(error).strip().partition("\n")[0].rpartition("] ")[2]
    if gist.startswith("Error reading"):
        return "not a video that decord can open"
    if "cannot find video stream" in gist:
        return "it holds no video stream"
    return "damaged or cut off: " + re.sub(r"^\S+\.cc:\d+: (Error: )?", "", gist)[:120]
