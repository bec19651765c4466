"""Clips for end-to-end training: a random snippet of each segment, cut from the video itself."""

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
from ....extract.snippets.timeline import Timeline

_PAIRS = 128  # frame pairs whose flow is computed at once: a batch of the engine `cuda`


@dataclass(frozen=True)
class GreyClips:
    """The frames of flow clips whose fields are still to be computed, where the backbone runs.

    Args:
        cut: how they are computed and cut.
        parts: frames of the snippets, in order.
    """

    cut: FlowCut
    parts: tuple[GreyFrames, ...]

    def __len__(self) -> int:
        return sum(len(part.stacks) for part in self.parts)


@torch.no_grad()
def compute_flow(videos: Sequence[GreyClips], device: torch.device) -> Iterator[Tensor]:
    """Compute the flow of several videos together.

    Args:
        videos: their cuts differ in nothing but their crops.
        device: where flow is computed.

    Yields:
        for each video [n, 2 L, S, S], or clips [n, 2, L, S, S], on the device.
    """
    fields = _fields([part for clips in videos for part in clips.parts], videos[0].cut, device)
    for clips in videos:
        stacks = [clips.cut.join_fields(part, next(fields))[:, 0] for part in clips.parts]
        yield torch.cat(stacks)


def _fields(parts: Sequence[GreyFrames], cut: FlowCut, device: torch.device) -> Iterator[Tensor]:
    """The fields of each part [p, 2, H, W]; as many parts are computed at once as fit a batch."""
    together: list[GreyFrames] = []
    for part in parts:
        if together and sum(len(p.first) for p in (*together, part)) > _PAIRS:
            yield from (fields for fields, _ in cut.fields(together, device))
            together = []
        together.append(part)
    yield from (fields for fields, _ in cut.fields(together, device))


def training_plan(cut: Cut, timeline: Timeline, positions: np.ndarray) -> np.ndarray:
    """Plan one snippet in each of n equal segments (TSN); evaluation takes positions of 0.5.

    Args:
        cut: how snippets are cut.
        timeline: of the video.
        positions: where in its segment each snippet starts, [n] in [0, 1).

    Returns:
        pieces of each snippet, [n, L] int64, not decreasing along either axis. Snippets repeat
        where a video has few pieces; its last piece repeats where it is shorter than a snippet.
    """
    moments, length, n = cut.moments(timeline), cut.length, len(positions)
    places = max(moments - length + 1, 1)  # where a snippet can start
    starts = np.floor((np.arange(n) + positions) * places / n).astype(np.int64)  # [n]
    starts = np.minimum(starts, places - 1)  # a position just below 1 may have been rounded up
    planned = np.minimum(starts[:, None] + np.arange(length), moments - 1)  # [n, L]
    return cut.pieces_at(planned, timeline)


def read_clips(
    path: str,
    cut: Cut,
    plan: np.ndarray,
    video: str,
    *,
    flow: FlowCache | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> Tensor | GreyClips:
    """Decode a video up to the last frame that its planned snippets need.

    Args:
        path: the video.
        cut: how snippets are cut; one view.
        plan: pieces of each snippet, [n, L], not decreasing along either axis; rows may repeat or
            overlap. The last piece stands in for pieces beyond the end of the video.
        video: its id.
        flow: where the fields of a `FlowCut` are taken from, if it holds the video: then nothing
            is decoded.
        on_progress: called after every few frames that decode.

    Returns:
        [n, c L, S, S], or clips [n, c, L, S, S]; uint8, or float32 where the cut keeps fractions.
        The frames of the n clips where an engine of `ON_DEVICE` is to compute their flow.

    Raises:
        DecodeError: the video does not decode.
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
    """The snippets up to the end of the video; and how many pieces it has, where some are
    missing."""
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
    """Join chunks [b, 1, ...] to [n, ...]; n is 0 where there are none."""
    clips, parts = [torch.empty(0, *cut.shape, dtype=torch.uint8)], []
    for chunk in chunks:
        if isinstance(chunk, GreyFrames):
            parts.append(chunk)
        else:
            clips.append(chunk[:, 0])
    if isinstance(cut, FlowCut) and parts:
        return GreyClips(cut, tuple(parts))
    return torch.cat(clips)
