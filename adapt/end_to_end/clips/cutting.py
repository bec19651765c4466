"""Clips for end-to-end training: a random snippet of each segment, cut out of the video itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ....extract.decoding import DecodeError, open_video
from ....extract.flow.cache import FlowCache
from ....extract.flow.cutting import FlowCut
from ....extract.flow.fields import GreyFrames
from ....extract.flow.kept import CachedFlowCutter
from ....extract.snippets.cutting import Cut
from ....extract.snippets.reading import too_few

_PAIRS = 128  # of frames whose flow is computed at once: a batch of the engine `cuda`


@dataclass(frozen=True)
class GreyClips:
    """Clips of flow whose fields are to be computed where the backbone runs.

    Args:
        cut: how.
        parts: frames of the snippets, in order.
    """

    cut: FlowCut
    parts: tuple[GreyFrames, ...]

    def __len__(self) -> int:
        return sum(len(part.stacks) for part in self.parts)


@torch.no_grad()
def compute_flow(videos: Sequence[GreyClips], device: torch.device) -> Iterator[Tensor]:
    """The clips of several videos, whose flow is computed together on the device.

    Args:
        videos: that differ in their crops alone.
        device: that computes.

    Yields:
        of each [n, 2 L, S, S], or clips [n, 2, L, S, S]; on the device.
    """
    fields = _fields([part for clips in videos for part in clips.parts], videos[0].cut, device)
    for clips in videos:
        stacks = [clips.cut.join_fields(part, next(fields))[:, 0] for part in clips.parts]
        yield torch.cat(stacks)


def _fields(parts: Sequence[GreyFrames], cut: FlowCut, device: torch.device) -> Iterator[Tensor]:
    """The fields of each part, as many parts at once as a batch holds."""
    together: list[GreyFrames] = []
    for part in parts:
        if together and sum(len(p.first) for p in (*together, part)) > _PAIRS:
            yield from (fields for fields, _ in cut.fields(together, device))
            together = []
        together.append(part)
    yield from (fields for fields, _ in cut.fields(together, device))


def training_plan(cut: Cut, total: int, positions: np.ndarray) -> np.ndarray:
    """One snippet of each of n equal segments (TSN): positions .5 are what evaluation takes.

    Args:
        cut: how snippets are cut.
        total: frames of the video, at least 1.
        positions: where in its segment each snippet starts, [n] in [0, 1).

    Returns:
        pieces of each snippet, [n, L] int64, increasing along both axes. Snippets repeat in a video
        of few pieces, and the last piece in one shorter than a snippet.
    """
    pieces, length, n = cut.piece_count(total), cut.length, len(positions)
    places = max(pieces - length + 1, 1)  # that a snippet can start with
    starts = np.floor((np.arange(n) + positions) * places / n).astype(np.int64)  # [n]
    starts = np.minimum(starts, places - 1)  # a position just below 1 may have been rounded up
    return np.minimum(starts[:, None] + np.arange(length), pieces - 1)


def read_clips(
    path: str,
    cut: Cut,
    plan: np.ndarray,
    video: str,
    *,
    flow: FlowCache | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> Tensor | GreyClips:
    """Decode the planned snippets of a video, from its start to the last frame that they need.

    Args:
        path: the video.
        cut: how snippets are cut; one view.
        plan: pieces of each snippet, [n, L], increasing along both axes; rows may repeat or
            overlap. What the video does not reach is its last piece instead.
        video: its id.
        flow: where the fields of a `FlowCut` are taken from, if it holds the video: then nothing
            is decoded.
        on_progress: called whenever the decoder has got on.

    Returns:
        [n, c L, S, S], or clips [n, c, L, S, S]; uint8, or float32 where the cut keeps fractions.
        Of flow that an engine of `ON_DEVICE` computes, the n clips' frames.

    Raises:
        DecodeError: it does not decode.
    """
    if isinstance(cut, FlowCut) and flow:
        cut = replace(cut, cache=flow)
    clips, pieces = _read(path, cut, plan, video, on_progress)
    if len(clips) < len(plan):
        clips, _ = _read(path, cut, np.minimum(plan, pieces - 1), video, on_progress)
    if len(clips) < len(plan):
        raise DecodeError(f"it decodes to fewer frames than just before ({pieces} pieces)")
    return clips


def _read(
    path: str, cut: Cut, plan: np.ndarray, video: str, on_progress: Callable[[], None]
) -> tuple[Tensor | GreyClips, int]:
    """The snippets that the video reaches, and, where some lack, how many pieces it has."""
    cutter = cut.cutter(plan, video, path)
    if isinstance(cutter, CachedFlowCutter):
        return _join(cutter.rest(), cut), cutter.fields
    chunks: list[Tensor | GreyFrames] = []
    with open_video(path, on_progress=on_progress) as decoding:
        # The wanted frames first: after the last of them nothing more is decoded.
        wanted = zip(cutter.frames.tolist(), decoding.frames(cutter.frames), strict=False)
        for index, image in wanted:
            pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
            chunks += cutter.take(index, pixels)
    clips = _join([*chunks, *cutter.rest()], cut)
    total = decoding.total  # of a video that ended too early
    if len(clips) < len(plan) and total < cut.least_frames:
        raise DecodeError(too_few(total, decoding.damage, cut.least_frames, 1))
    return clips, cut.piece_count(total)


def _join(chunks: Iterable[Tensor | GreyFrames], cut: Cut) -> Tensor | GreyClips:
    """Chunks [b, 1, ...] as [n, ...], n 0 where there are none."""
    clips, parts = [torch.empty(0, *cut.shape, dtype=torch.uint8)], []
    for chunk in chunks:
        if isinstance(chunk, GreyFrames):
            parts.append(chunk)
        else:
            clips.append(chunk[:, 0])
    if isinstance(cut, FlowCut) and parts:
        return GreyClips(cut, tuple(parts))
    return torch.cat(clips)
