"""One video to the snippets that backbones take, in one pass for all modalities.

The number of frames is what decodes, never what the container announces. A first pass trusts the
announcement and keeps its snippets back until the end has shown that it was true; where it was
not, a second pass reads again with the true number. Snippets too many to keep back are counted
first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from ...cache.common.short import short_repr
from ..decoding import DecodeError, ForwardVideo, open_video
from ..lists.videos import VideoItem
from .cutting import Cut, Cutter

_KEEP_BACK = 256 * 2**20  # bytes of snippets


@dataclass(frozen=True)
class Reading:
    """How to read a video: the `decoding.reader.Reader` of an extraction.

    Args:
        cuts: by modality; none where frames are counted alone.
        decoder: "auto", "pyav" or "decord".
        min_frames: a video of which fewer decode has failed.
    """

    cuts: Mapping[str, Cut]
    decoder: str = "auto"
    min_frames: int = 16

    def prepare(self) -> None:
        """See `decoding.reader.Reader`."""
        for cut in self.cuts.values():
            cut.prepare()

    def read(
        self, item: VideoItem, *, on_progress: Callable[[], None]
    ) -> Iterator[Chunk | Decoded]:
        """`read_snippets` of a video, as `decoding.reader.Reader` has it."""
        return read_snippets(str(item.path), item.id, self, on_progress=on_progress)

    def on_threads(self, threads: int) -> Reading:
        """The same, with so many threads for each video."""
        return replace(
            self, cuts={name: cut.on_threads(threads) for name, cut in self.cuts.items()}
        )

    def bytes_of(self, total: int) -> int:
        """Bytes that the snippets of a video of ``total`` frames take."""
        return sum(cut.count(total) * cut.bytes_per_snippet for cut in self.cuts.values())


@dataclass(frozen=True)
class Decoded:
    """What a video turned out to be.

    Args:
        frames: that decode.
        fps: frames per second, 0 where unknown.
        centres: by modality, the centre frame of each snippet [n].
        times: by modality, when these frames are shown [n], in seconds; NaN where unknown.
        duration: when the last frame ends, in seconds; 0 where unknown.
        decoder: that read it.
        damage: what is broken, "" for a sound video.
        early_stopped: pairs of frames whose flow ran out of iterations.
    """

    frames: int
    fps: float
    centres: Mapping[str, np.ndarray]
    times: Mapping[str, np.ndarray]
    duration: float
    decoder: str
    damage: str
    early_stopped: int = 0

    __repr__ = short_repr


@dataclass(frozen=True)
class Chunk:
    """Some snippets of a modality, in order: what its cutter gives."""

    modality: str
    snippets: Any

    __repr__ = short_repr


def read_snippets(
    path: str,
    video: str,
    reading: Reading,
    *,
    on_progress: Callable[[], None] = lambda: None,
) -> Iterator[Chunk | Decoded]:
    """Decode a video to its end and cut its snippets.

    Args:
        path: the video.
        video: its id.
        reading: how.
        on_progress: called whenever the decoder has got on.

    Yields:
        snippets a few at a time, those of a modality in order; then one `Decoded`.

    Raises:
        DecodeError: the file is no video, or fewer than ``reading.min_frames`` frames decode.
    """
    opening = partial(open_video, path, reading.decoder, on_progress=on_progress)
    for cut in reading.cuts.values():
        cut.prepare_video(video, path, opening)
    with opening() as decoding:
        expected = max(decoding.expected, 1)
        # Counted before anything is laid out: a false announcement may be of any size.
        trusted = reading.bytes_of(expected) <= _KEEP_BACK
        plans = _plans(reading, expected) if trusted else {}
        cutters = _cutters(reading, plans, video, path)
        kept = list(_cut(decoding, cutters)) if trusted else []
        total = decoding.total if trusted else decoding.count()
        damage = decoding.damage
    least = max([reading.min_frames, *(cut.least_frames for cut in reading.cuts.values())])
    if total < least:
        raise DecodeError(too_few(total, damage, least, reading.min_frames))
    true = _plans(reading, total)
    if trusted and all(np.array_equal(true[name], plans[name]) for name in true):
        yield from kept
    else:
        kept.clear()
        cutters = _cutters(reading, true, video, path)
        with opening() as decoding:
            yield from _cut(decoding, cutters)
            if decoding.total != total:
                raise DecodeError(f"it decodes to {total} frames, then to {decoding.total}")
    centres = {name: cut.centres(true[name]) for name, cut in reading.cuts.items()}
    stopped = sum(cutter.early_stopped for cutter in cutters.values())
    shown = np.array(decoding.times)  # [total]
    yield Decoded(
        frames=total,
        fps=decoding.fps,
        centres=centres,
        times={name: shown[frames] for name, frames in centres.items()},
        duration=decoding.duration,
        decoder=decoding.decoder,
        damage=damage,
        early_stopped=stopped,
    )


def _plans(reading: Reading, total: int) -> dict[str, np.ndarray]:
    return {name: cut.plan(total) for name, cut in reading.cuts.items()}


def _cutters(
    reading: Reading, plans: Mapping[str, np.ndarray], video: str, path: str
) -> dict[str, Cutter]:
    return {name: reading.cuts[name].cutter(plan, video, path) for name, plan in plans.items()}


def _cut(decoding: ForwardVideo, cutters: Mapping[str, Cutter]) -> Iterator[Chunk]:
    """The planned snippets, in chunks; those beyond the end of the video are missing."""
    needs = {name: set(cutter.frames.tolist()) for name, cutter in cutters.items()}
    frames = [np.empty(0, np.int64), *(cutter.frames for cutter in cutters.values())]
    wanted = np.unique(np.concatenate(frames))
    # The decoder first: after its last wanted frame it still goes on to the end.
    for image, index in zip(decoding.frames(wanted), wanted.tolist(), strict=False):
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        for name, cutter in cutters.items():
            if index in needs[name]:
                for snippets in cutter.take(index, pixels):
                    yield Chunk(name, snippets)
                decoding.on_progress()
    for name, cutter in cutters.items():
        for snippets in cutter.rest():
            decoding.on_progress()
            yield Chunk(name, snippets)


def too_few(total: int, damage: str, least: int, min_frames: int) -> str:
    """Why a video of ``total`` frames has failed."""
    reason = f"{total or 'no'} frame{'s' * (total != 1)} can be decoded"
    if damage:
        reason += f" ({damage})"
    if total == 0:
        return reason
    return f"{reason}, fewer than " + (
        f"--min-frames {least}" if least == min_frames else f"the {least} that flow needs"
    )
