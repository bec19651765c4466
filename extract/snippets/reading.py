"""One video to the snippets that backbones take, in one pass for all modalities and windows.

The number of frames is what decodes, and when they are shown is what the decoder says, never what
the container announces. A first pass trusts the announcement and keeps the snippets of a window
back until the frames up to the end of the next one, or of the video, have shown that it was true;
where it was not, a second pass reads again what is left, with the true numbers. Snippets too many
to keep back are counted first, and shots are found first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ...cache.common.short import short_repr
from ...cache.parts import Part, rounded
from ...cache.recipe import Windows
from ..decoding import DecodeError, ForwardVideo, is_part, open_video
from ..lists.videos import VideoItem
from .cutting import Cut
from .passing import Chunk, Passed, cut_spans, plan_of
from .shots import find_cuts
from .timeline import Timeline
from .windows import NO_CUTS, Span, cut_windows

_KEEP_BACK = 256 * 2**20  # bytes of snippets


@dataclass(frozen=True)
class Reading:
    """How to read a video: the `decoding.reader.Reader` of an extraction.

    Args:
        cuts: by modality; none where frames are counted alone.
        decoder: "auto", "pyav" or "decord".
        min_frames: a video of which fewer decode has failed.
        windows: that recordings are cut into; None to leave every video whole.
    """

    cuts: Mapping[str, Cut]
    decoder: str = "auto"
    min_frames: int = 16
    windows: Windows | None = None

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

    @property
    def least_frames(self) -> int:
        """Frames that every modality needs."""
        return max([1, *(cut.least_frames for cut in self.cuts.values())])

    @property
    def by_time(self) -> bool:
        """Whether snippets depend on when frames are shown."""
        return any(cut.rate for cut in self.cuts.values())

    def bytes_at_once(self, spans: Sequence[Span]) -> int:
        """Bytes of the snippets that `read_snippets` keeps back at most."""
        firsts = np.array([span.first for span in spans])
        sizes = np.array([self._bytes_of(span.timeline) for span in spans])
        # A window is kept until the next one ends; by then others have begun.
        ends = [span.stop for span in (*spans[1:], spans[-1])]
        begun = np.searchsorted(firsts, ends)
        return max(int(sizes[n:stop].sum()) for n, stop in enumerate(begun.tolist()))

    def _bytes_of(self, timeline: Timeline) -> int:
        return sum(cut.count(timeline) * cut.bytes_per_snippet for cut in self.cuts.values())


@dataclass(frozen=True)
class Decoded:
    """What a video, or a window of a recording, turned out to be.

    Args:
        frames: that decode.
        fps: frames per second, 0 where unknown.
        centres: by modality, the centre frame of each snippet [n], counted from the window's start.
        times: by modality, when these frames are shown [n], in seconds from the start of the file;
            NaN where unknown.
        duration: when the last frame ends, in seconds from the start of the file; 0 where unknown.
        decoder: that read it.
        damage: what is broken, "" for a sound video; of a recording its last window says it.
        early_stopped: pairs of frames whose flow ran out of iterations.
        part: the window; None for a whole video.
    """

    frames: int
    fps: float
    centres: Mapping[str, np.ndarray]
    times: Mapping[str, np.ndarray]
    duration: float
    decoder: str
    damage: str
    early_stopped: int = 0
    part: Part | None = None

    __repr__ = short_repr

    @property
    def is_timed(self) -> bool:
        """Whether it is known when its snippets are shown."""
        return not any(np.isnan(times).any() for times in self.times.values())

    @property
    def is_last(self) -> bool:
        """Whether nothing of the file comes after it."""
        return self.part is None or self.part.end is None


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
        snippets a few at a time, those of a modality in order; then one `Decoded`. So for each
        window, in the order of their ends; the chunks of windows that overlap may be interleaved.

    Raises:
        DecodeError: the file is no video, or fewer than ``reading.min_frames`` frames decode.
    """
    if is_part(path):  # a window already
        reading = replace(reading, windows=None)
    opening = partial(open_video, path, reading.decoder, on_progress=on_progress)
    for cut in reading.cuts.values():
        cut.prepare_video(video, path, opening)
    least = max(reading.min_frames, reading.least_frames)
    with opening() as decoding:
        first = _FirstPass(decoding, reading, least)
        yield from first.read(video, path)
    total = decoding.total
    if total < least:
        raise DecodeError(too_few(total, decoding.damage, least, reading.min_frames))
    whole = Timeline(total, np.array(decoding.times), decoding.duration)
    spans = _spans(reading, decoding, whole, first.cuts)
    left = {span.part: span for span in spans if span not in first.given}
    if all(first.holds(span) for span in left.values()):
        for span in left.values():
            yield from first.give(span)
        return
    first.kept.clear()
    with opening() as again:
        for answer in cut_spans(again, list(left.values()), reading.cuts, video, path):
            if isinstance(answer, Passed):
                if left[answer.part].is_last and again.total != total:
                    raise DecodeError(f"it decodes to {total} frames, then to {again.total}")
                yield _decoded(reading, decoding, left[answer.part], answer.early_stopped)
            else:
                yield answer


class _FirstPass:
    """The pass that trusts what a video announces.

    Attributes:
        given: the windows that are done with.
        kept: the answers of the others.
        cuts: the first frame of every shot but the first, [m], where shots count.
    """

    def __init__(self, decoding: ForwardVideo, reading: Reading, least: int) -> None:
        self.given: set[Span] = set()
        self.kept: dict[Part | None, list[Chunk | Passed]] = {}
        self._decoding, self._reading, self._least = decoding, reading, least
        self.cuts = NO_CUTS
        self._spans = [Span(None, 0, Timeline(max(decoding.expected, 1)))]
        if reading.windows or reading.by_time:
            self._times, ends = decoding.announced_times()
            if len(self._times):
                announced = Timeline(len(self._times), self._times, ends)
                self._spans = _spans(reading, decoding, announced)
        self._checked, self._true = 0, True  # time stamps that are as announced so far

    def read(self, video: str, path: str) -> Iterator[Chunk | Decoded]:
        """Decode to the end; give the windows that are certain before it."""
        windows = self._reading.windows
        if windows and windows.within_shots:
            self._spans, self.cuts = [], find_cuts(self._decoding)
            return
        # Counted before anything is laid out: a false announcement may be of any size.
        if self._reading.bytes_at_once(self._spans) > _KEEP_BACK:
            self._spans = []
        for answer in cut_spans(self._decoding, self._spans, self._reading.cuts, video, path):
            self.kept.setdefault(answer.part, []).append(answer)
            while self._next_is_certain():
                yield from self.give(self._spans[len(self.given)])

    def holds(self, span: Span) -> bool:
        """Whether what was kept of a window is right, now that its frames are known."""
        guess = next((one for one in self._spans if one.part == span.part), None)
        return guess is not None and all(
            np.array_equal(plan_of(cut, guess), plan_of(cut, span))
            for cut in self._reading.cuts.values()
        )

    def give(self, span: Span) -> Iterator[Chunk | Decoded]:
        """What was kept of a window."""
        self.given.add(span)
        for answer in self.kept.pop(span.part):
            if isinstance(answer, Passed):
                yield _decoded(self._reading, self._decoding, span, answer.early_stopped)
            else:
                yield answer

    def _next_is_certain(self) -> bool:
        """Whether the next window is cut, and it and where the one after it ends are as announced:
        then that is not so short that it would be joined to the next."""
        after = len(self.given) + 1
        if after >= len(self._spans):
            return False
        kept = self.kept.get(self._spans[after - 1].part, [])
        if not (kept and isinstance(kept[-1], Passed)):  # the decoder may be ahead of the cutters
            return False
        reached = self._decoding.total
        if reached <= max(self._spans[after].stop, self._least):
            return False
        new = np.array(self._decoding.times[self._checked : reached])
        guess = self._times[self._checked : reached]
        self._checked = reached
        part = self._spans[after - 1].part
        if part and part.unit == "frames":
            number = self._decoding.number
            span = self._spans[after - 1]
            if (part.start, part.end) != (number(span.first), number(span.stop - 1)):
                return False
            if not self._reading.by_time:
                return True
        self._true = self._true and np.array_equal(rounded(new), rounded(guess), equal_nan=True)
        return self._true


def _spans(
    reading: Reading, video: ForwardVideo, whole: Timeline, cuts: np.ndarray = NO_CUTS
) -> list[Span]:
    """The windows of a video of these frames; else all of it."""
    if reading.windows is None:
        return [Span(None, 0, whole)]
    return cut_windows(reading.windows, whole, video, least=reading.least_frames, cuts=cuts)


def _decoded(reading: Reading, decoding: ForwardVideo, span: Span, early_stopped: int) -> Decoded:
    """What a window is; what comes after it has been decoded too."""
    centres = {name: cut.centres(cut.plan(span.timeline)) for name, cut in reading.cuts.items()}
    shown = np.array(decoding.times[span.first : span.stop])
    at_end = span.stop >= len(decoding.times)  # as the one before the last may be too
    return Decoded(
        frames=span.stop - span.first,
        fps=decoding.fps,
        centres=centres,
        times={name: shown[frames] for name, frames in centres.items()},
        duration=decoding.duration if at_end else decoding.times[span.stop],
        decoder=decoding.decoder,
        damage=decoding.damage if span.is_last else "",
        early_stopped=early_stopped,
        part=span.part,
    )


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
