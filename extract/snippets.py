"""One video to the snippets that a backbone takes.

The number of frames is what decodes, never what the container announces. A first pass trusts the
announcement and keeps its snippets back until the end has shown that it was true; where it was
not, a second pass reads again with the true number. Snippets too many to keep back are counted
first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .decoders import DecodeError, ForwardVideo, open_video
from .preprocessing import Preprocessing
from .sampling import Sampling, centres
from .transforms import resize
from .views import Views, crop

_KEEP_BACK = 256 * 2**20  # bytes of snippets
_CHUNK = 4 * 2**20  # bytes given on at once


@dataclass(frozen=True)
class Reading:
    """How to read a video: what every decoding process is told."""

    sampling: Sampling
    preprocessing: Preprocessing
    views: Views = Views()
    decoder: str = "auto"
    min_frames: int = 16

    @property
    def bytes_per_snippet(self) -> int:
        return len(self.views) * 3 * self.sampling.length * self.preprocessing.input_size**2


@dataclass(frozen=True)
class Decoded:
    """What a video turned out to be.

    Args:
        frames: that decode.
        fps: frames per second, 0 where unknown.
        centres: centre frame of each snippet [n].
        decoder: that read it.
        damage: what is broken, "" for a sound video.
    """

    frames: int
    fps: float
    centres: np.ndarray
    decoder: str
    damage: str


def read_snippets(
    path: str,
    video: str,
    reading: Reading,
    *,
    on_progress: Callable[[], None] = lambda: None,
) -> Iterator[Tensor | Decoded]:
    """Decode a video to its end and cut its snippets.

    Args:
        path: the video.
        video: its id.
        reading: how.
        on_progress: called whenever the decoder has got on.

    Yields:
        snippets in order, a few at a time: [b, V, 3, S, S] uint8, or [b, V, 3, L, S, S] where they
        are longer than a frame; then one `Decoded`.

    Raises:
        DecodeError: the file is no video, or fewer than ``reading.min_frames`` frames decode.
    """
    with open_video(path, reading.decoder, on_progress=on_progress) as decoding:
        expected = max(decoding.expected, 1)
        # Counted before anything is laid out: a false announcement may be of any size.
        trusted = reading.sampling.count(expected) * reading.bytes_per_snippet <= _KEEP_BACK
        wanted = reading.sampling.frames(expected if trusted else 1)  # [n, L]
        kept = list(_cut(decoding, wanted, video, reading)) if trusted else []
        total = decoding.total if trusted else decoding.count()
        damage = decoding.damage
    if total < max(reading.min_frames, 1):
        raise DecodeError(_too_few(total, damage, reading.min_frames))
    true = reading.sampling.frames(total)
    if kept and np.array_equal(true, wanted):
        yield from kept
    else:
        kept.clear()
        with open_video(path, reading.decoder, on_progress=on_progress) as decoding:
            yield from _cut(decoding, true, video, reading)
            if decoding.total != total:
                raise DecodeError(f"it decodes to {total} frames, then to {decoding.total}")
    yield Decoded(total, decoding.fps, centres(true), decoding.decoder, damage)


def _cut(
    decoding: ForwardVideo,
    frames: np.ndarray,
    video: str,
    reading: Reading,
) -> Iterator[Tensor]:
    """Snippets of the frames [n, L] wanted, in chunks; those that the video does not reach lack."""
    wanted, size = np.unique(frames), reading.preprocessing.input_size
    cropped: dict[int, Tensor] = {}  # frames that a coming snippet still needs
    chunk: list[Tensor] = []
    limit = max(1, _CHUNK // reading.bytes_per_snippet)
    next_ = 0  # snippet
    # The decoder first: after its last wanted frame it still goes on to the end.
    for image, index in zip(decoding.frames(wanted), wanted.tolist(), strict=False):
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        resized = resize(pixels, reading.preprocessing)  # [1, 3, h, w]
        boxes = reading.views.boxes(*resized.shape[-2:], size, video=video)
        cropped[index] = crop(resized, boxes, size)[0]  # [V, 3, S, S]
        while next_ < len(frames) and frames[next_, -1] <= index:
            snippet = torch.stack([cropped[i] for i in frames[next_].tolist()], 2)
            chunk.append(snippet if frames.shape[1] > 1 else snippet[:, :, 0])
            next_ += 1
            if len(chunk) == limit:
                yield torch.stack(chunk)
                chunk = []
        needed = frames[next_, 0] if next_ < len(frames) else index + 1
        cropped = {i: image for i, image in cropped.items() if i >= needed}
    if chunk:
        yield torch.stack(chunk)


def _too_few(total: int, damage: str, least: int) -> str:
    reason = f"{total or 'no'} frame{'s' * (total != 1)} can be decoded"
    if damage:
        reason += f" ({damage})"
    return reason if total == 0 else f"{reason}, fewer than --min-frames {least}"
