"""Long recordings in windows: which frames belong to each."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ...cache.errors import InputError
from ...cache.parts import Part, rounded
from ...cache.recipe import Windows
from ..decoding import DecodeError, ForwardVideo
from .timeline import Timeline

NO_CUTS = np.empty(0, np.int64)
_WRITTEN = re.compile(r"([0-9]+(?:\.[0-9]{1,3})?) *s|([0-9]+)")


@dataclass(frozen=True)
class Span:
    """Frames of a video that are a video of their own.

    Args:
        part: which part of the recording they are; None for all of it.
        first: of the frames.
        timeline: of the frames.
    """

    part: Part | None
    first: int
    timeline: Timeline

    @property
    def stop(self) -> int:
        """The first frame after them."""
        return self.first + self.timeline.count

    @property
    def is_last(self) -> bool:
        """Whether it goes to the recording's end."""
        return self.part is None or self.part.end is None


def parse_windows(
    window: str | int | None, hop: str | int | None = None, *, within_shots: bool | None = None
) -> Windows | None:
    """Windows as users write them: ``4s``, or a number of frames.

    Args:
        window: the length.
        hop: in the same unit, at most the length; None for the length.
        within_shots: none crosses a hard cut.

    Raises:
        InputError: it is something else.
    """
    if window is None:
        if hop is not None:
            raise InputError(f"--hop {hop} says where windows start: give --window too")
        if within_shots:
            raise InputError("--within-shots says how windows are cut: give --window too")
        return None
    length, of_frames = _parse("--window", window)
    step, same = (length, of_frames) if hop is None else _parse("--hop", hop)
    if same != of_frames:
        raise InputError(f"--window {window} and --hop {hop}: give both in seconds or in frames")
    if step > length:
        raise InputError(f"--hop {hop} is longer than --window {window}: frames would be left out")
    return Windows(length, step, "frames" if of_frames else "seconds", bool(within_shots))


def _parse(option: str, value: str | int) -> tuple[float, bool]:
    """The number, and whether it counts frames."""
    match = _WRITTEN.fullmatch(str(value).strip())
    number = float(match[1] or match[2]) if match else 0.0
    if match is None or not 0 < number < 1e9:
        raise InputError(
            f"{option} {value}: write seconds as 4s or 1.5s (down to 0.001s), or a number of "
            "frames as 100"
        )
    return number, match[2] is not None


def cut_windows(
    windows: Windows,
    whole: Timeline,
    video: ForwardVideo,
    *,
    least: int = 1,
    cuts: np.ndarray = NO_CUTS,
) -> list[Span]:
    """The windows of a video, in order.

    Window k of a shot starts at k times the hop. What is left at the shot's end is a window of its
    own where it is at least half a window long. Else it is joined to the window before, which holds
    it anyway where windows overlap enough. A video that gives a single window is left whole.

    Args:
        windows: their length and hop.
        whole: the video's frames; their times are not used for windows of frames.
        video: whose frames they are.
        least: frames of a window; of fewer, as in a gap of the recording, there is none.
        cuts: the first frame of every shot but the first, [m].

    Raises:
        DecodeError: windows of seconds, and a frame without a time stamp.
    """
    places, end = whole.times, whole.end
    if windows.unit == "frames":
        places, end = np.arange(whole.count), float(whole.count)
    elif places is None or not whole.is_timed:
        raise DecodeError(
            "its frames have no time stamps to cut it by: give --window and --hop in frames"
        )
    # A time stamp that falls behind belongs to where the recording has got to.
    places, end = np.maximum.accumulate(rounded(places)), float(rounded(end))
    # Names tell milliseconds.
    begins = [0.0, *(np.floor(rounded(places[cuts]) * 1000) / 1000).tolist(), end]
    bounds = [0, *cuts.tolist(), whole.count]
    limits = [*begins[1:-1], math.inf]  # what is called by its seconds ends where its shot ends
    found = [
        (start, min(until, limit), first + a, first + b)
        for (first, stop), shot, limit in zip(
            pairwise(bounds), pairwise(begins), limits, strict=True
        )
        for start, until, a, b in _windows_of(windows, places[first:stop], *shot, least)
    ]
    spans = [Span(_part(windows, video, *one), one[2], whole.cut(*one[2:])) for one in found]
    if len(spans) < 2:
        return [Span(None, 0, whole)]
    *others, last = spans
    assert last.part is not None
    return [*others, replace(last, part=replace(last.part, end=None))]


def _windows_of(
    windows: Windows, places: np.ndarray, begin: float, end: float, least: int
) -> list[tuple[float, float, int, int]]:
    """Where each window of a shot starts and ends, its first frame and the one after its last.

    Args:
        windows, least: as in `cut_windows`.
        places: of the shot's frames, [n].
        begin, end: of the shot.
    """
    latest = np.unique(np.floor(rounded((places - begin) / windows.hop)))  # begun by some frame
    reach = np.arange(math.ceil(windows.length / windows.hop))
    numbers = np.unique(latest[:, None] - reach)
    starts = np.round(begin + numbers[numbers >= 0] * windows.hop, 3)
    starts = starts[(rounded(end - starts) >= windows.length / 2) | (starts == begin)]
    ends = np.round(starts + windows.length, 3)
    first, stop = np.searchsorted(places, starts), np.searchsorted(places, ends)
    some = stop - first >= least
    starts, ends, first, stop = starts[some], ends[some], first[some], stop[some]
    ends[-1:], stop[-1:] = end, len(places)
    return list(zip(starts.tolist(), ends.tolist(), first.tolist(), stop.tolist(), strict=True))


def _part(windows: Windows, video: ForwardVideo, start: float, stop: float, a: int, b: int) -> Part:
    if windows.unit == "seconds":
        return Part("seconds", start, stop)
    return Part("frames", video.number(a), video.number(b - 1))
