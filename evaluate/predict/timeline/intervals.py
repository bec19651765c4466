"""Windows' scores to intervals of one label."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ....adapt.inference.prediction import Prediction
from ....cache.common.ranges import NonNegative, Share
from ....cache.common.records import validate
from ....cache.parts import Unit, split_part


@dataclass(frozen=True, kw_only=True)
class Smoothing:
    """How labels over time become intervals.

    Args:
        onset: a label begins only where its score reaches this; until then the one before it goes
            on (hysteresis). 0 takes the best label everywhere.
        min_length: shorter intervals go to the longer one of their neighbours; in the timeline's
            unit.
    """

    onset: Share = 0.0
    min_length: NonNegative = 0.0

    def __post_init__(self) -> None:
        validate(self)


@dataclass(frozen=True)
class Interval:
    """From when to when a label holds, and its mean score in that time."""

    start: float
    end: float
    label: str
    score: float


@dataclass(frozen=True, eq=False)
class Timeline:
    """A recording over time.

    Args:
        video: its id.
        path: where it is.
        unit: of all times, counted from the recording's start.
        classes: their names, [C].
        edges: where a window starts or ends, or another one's middle comes nearer, [n + 1].
        scores: between two edges the mean of the windows there, [n, C], which count the more the
            nearer their middles are; NaN where there is none.
        intervals: in order.
    """

    video: str
    path: Path
    unit: Unit
    classes: tuple[str, ...]
    edges: np.ndarray = field(repr=False)
    scores: np.ndarray = field(repr=False)
    intervals: tuple[Interval, ...]


def make_timeline(
    video: str, path: Path, windows: Sequence[Prediction], smoothing: Smoothing
) -> Timeline:
    """Join the predictions of a recording's windows.

    Args:
        video, path: of the recording.
        windows: at least one.
        smoothing: what makes intervals of labels.
    """
    spans = [_span(window) for window in windows]
    starts, ends = np.array([span[:2] for span in spans]).T  # [w]
    middles = (starts + ends) / 2
    ordered = np.sort(middles)
    between = np.round((ordered[1:] + ordered[:-1]) / 2, 3 if spans[0][2] == "seconds" else 0)
    edges = np.unique([*starts, *ends, *between])  # [n + 1]
    places = (edges[1:] + edges[:-1]) / 2  # [n]
    sums = np.zeros((len(places), len(windows[0].classes)))  # [n, C]
    weights = np.zeros((len(places), 1))
    for start, end, middle, window in zip(starts, ends, middles, windows, strict=True):
        inside = slice(*np.searchsorted(edges, (start, end)).tolist())
        nearness = 1 - np.abs(places[inside, None] - middle) / ((end - start) / 2)  # [m, 1]
        sums[inside] += nearness * window.scores
        weights[inside] += nearness
    with np.errstate(invalid="ignore"):
        scores = sums / weights  # [n, C]
    classes = windows[0].classes
    runs = _absorb(_runs(_hysteresis(scores, smoothing.onset)), edges, smoothing.min_length)
    return Timeline(
        video, path, spans[0][2], classes, edges, scores,
        tuple(_interval(run, edges, scores, classes) for run in runs),
    )  # fmt: skip


def _span(window: Prediction) -> tuple[float, float, Unit]:
    """From when to when a window is, in which unit; a whole video in seconds where it has any."""
    row = window.video
    _, part = split_part(row.id)
    unit: Unit = part.unit if part else "seconds" if row.duration else "frames"
    start = part.start if part else 0.0
    if unit == "frames":
        return start, start + row.frames, unit
    return start, row.duration if part is None or part.end is None else part.end, unit


@dataclass(frozen=True)
class _Run:
    """The steps from ``first`` up to ``stop`` that have one class."""

    first: int
    stop: int
    label: int

    def length(self, edges: np.ndarray) -> float:
        return float(edges[self.stop] - edges[self.first])


def _hysteresis(scores: np.ndarray, onset: float) -> list[int | None]:
    """The class of each step, of scores [n, C]; None where there is no score."""
    labels: list[int | None] = []
    for row in scores:
        before = labels[-1] if labels else None
        best = None if np.isnan(row).any() else int(row.argmax())
        labels.append(
            before if best is not None and before is not None and row[best] < onset else best
        )
    return labels


def _runs(labels: Iterable[int | None]) -> list[_Run]:
    runs: list[_Run] = []
    for n, label in enumerate(labels):
        if label is None:
            continue
        if runs and (runs[-1].stop, runs[-1].label) == (n, label):
            runs[-1] = _Run(runs[-1].first, n + 1, label)
        else:
            runs.append(_Run(n, n + 1, label))
    return runs


def _absorb(runs: Sequence[_Run], edges: np.ndarray, least: float) -> list[_Run]:
    """Give the short intervals to a neighbour that they touch, the shortest first."""
    by_first, by_stop = {run.first: run for run in runs}, {run.stop: run for run in runs}
    waiting = [(run.length(edges), run.first, run) for run in runs]
    heapq.heapify(waiting)
    while waiting and waiting[0][0] < least:
        run = heapq.heappop(waiting)[2]
        around = by_stop.get(run.first), by_first.get(run.stop)
        beside = [one for one in around if one]
        if by_first.get(run.first) != run or not beside:  # it has been joined, or it is alone
            continue
        label = max(beside, key=lambda one: one.length(edges)).label
        joined = [run, *(one for one in beside if one.label == label)]
        for one in joined:
            del by_first[one.first], by_stop[one.stop]
        run = _Run(min(one.first for one in joined), max(one.stop for one in joined), label)
        by_first[run.first] = by_stop[run.stop] = run
        heapq.heappush(waiting, (run.length(edges), run.first, run))
    return [by_first[first] for first in sorted(by_first)]


def _interval(run: _Run, edges: np.ndarray, scores: np.ndarray, classes: Sequence[str]) -> Interval:
    inside = slice(run.first, run.stop)
    lengths = np.diff(edges[run.first : run.stop + 1])
    score = float(np.average(scores[inside, run.label], weights=lengths))
    return Interval(float(edges[run.first]), float(edges[run.stop]), classes[run.label], score)
