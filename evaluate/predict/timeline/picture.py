"""Recordings over time: thumbnails where the label changes, labels, and every class's score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from rich.cells import cell_len

from ....cache.common.files.writing import write_output
from ....extract.decoding import DecodeError, read_frames_at
from ...figures.picture import Picture
from ...figures.style import (
    COLOURS,
    LINES,
    LineStyle,
    drawn,
    legend_columns,
    new_figure,
    show_frame,
    style,
)
from .intervals import Timeline

_WIDTH, _HEIGHT = 9.0, 3.4  # inches of a recording
_NAME = 2.0  # inches of a class's name
_LETTERS = 16  # of such names on intervals, to an inch
_THUMBNAILS = 8
MOST = 20  # recordings of a picture


def drawn_of(timelines: Sequence[Timeline]) -> Sequence[Timeline]:
    """What a picture shows: the first `MOST`, none of a single window where others have several."""
    several = [line for line in timelines if len(line.scores) > 1]
    return (several or timelines)[:MOST]


def draw_timelines(timelines: Sequence[Timeline]) -> Picture:
    """Draw the recordings that `drawn_of` chooses under each other.

    Args:
        timelines: at least one.
    """
    shown = drawn_of(timelines)
    with style():
        figure = new_figure(_WIDTH, _HEIGHT * len(shown) + 0.4)
        panels = figure.subfigures(len(shown), 1, squeeze=False)[:, 0]
        for panel, line in zip(panels.tolist(), shown, strict=True):
            _draw(panel, line)
        _legend(figure, shown[0].classes)
    if len(shown) < len(timelines):
        figure.suptitle(f"{len(shown)} of {len(timelines)} videos")
    caption = "Frames where an interval begins, the intervals, and the mean scores of the windows."
    return Picture("timeline", "Timeline", caption, figure, photo=True)


def _draw(panel: SubFigure, line: Timeline) -> None:
    grid = panel.add_gridspec(3, _THUMBNAILS, height_ratios=(1.2, 0.25, 1))
    panel.suptitle(drawn(line.video, _WIDTH - 1), fontsize=9)
    places, images = _thumbnails(line)
    for n, (place, image) in enumerate(zip(places, images, strict=False)):
        axis = panel.add_subplot(grid[0, n])
        show_frame(axis, image, _place(place, line.unit), f"frame {n}")
    labels = panel.add_subplot(grid[1, :], label="labels")
    _bars(labels, line)
    scores = panel.add_subplot(grid[2, :], sharex=labels, label="scores")
    for c in range(len(line.classes)):
        scores.stairs(
            line.scores[:, c], line.edges, baseline=None, color=_colour(c), linestyle=_line(c)
        )
    for axis in (labels, scores):
        for place in places:
            axis.axvline(place, color="black", linewidth=0.6, linestyle=LINES[2])
    scores.set_ylim(0, 1.02)
    scores.set_xlim(line.edges[0], line.edges[-1])
    scores.set_ylabel("score")
    scores.set_xlabel(line.unit)


def _bars(axis: Axes, line: Timeline) -> None:
    """A bar per interval, with its label as in the legend where there is room for it."""
    whole = line.edges[-1] - line.edges[0]
    for c, name in enumerate(line.classes):
        bars = [(one.start, one.end - one.start) for one in line.intervals if one.label == name]
        axis.broken_barh(bars, (0, 1), color=_colour(c), alpha=0.45)
    for one in line.intervals:
        length = one.end - one.start
        name = drawn(one.label, _NAME)
        if cell_len(name) <= _LETTERS * length / whole * (_WIDTH - 1):
            axis.text(one.start + length / 2, 0.5, name, ha="center", va="center", fontsize=7)
    axis.set_yticks([])
    axis.tick_params(labelbottom=False)


def _thumbnails(line: Timeline) -> tuple[list[float], list[np.ndarray]]:
    """Where some intervals begin, spread evenly over them; and the frames there, if the video
    can be read again."""
    starts = [one.start for one in line.intervals]
    chosen = np.unique(np.linspace(0, len(starts) - 1, _THUMBNAILS).round().astype(int))
    places = [starts[n] for n in chosen.tolist()]
    try:
        return places, read_frames_at(str(line.path), np.array(places), line.unit)
    except DecodeError:
        return places, []


def _legend(figure: Figure, classes: Sequence[str]) -> None:
    names = [drawn(name, _NAME) for name in classes]
    handles = [Line2D([], [], color=_colour(c), linestyle=_line(c)) for c in range(len(classes))]
    figure.legend(
        handles, names, loc="outside lower center", ncols=legend_columns(names, _WIDTH),
        fontsize=8, frameon=False,
    )  # fmt: skip


def _place(place: float, unit: str) -> str:
    return f"{place:.0f}" if unit == "frames" else f"{place // 60:.0f}:{place % 60:04.1f}"


def _colour(label: int) -> str:
    return COLOURS[label % len(COLOURS)]


def _line(label: int) -> LineStyle:
    return LINES[label // len(COLOURS) % len(LINES)]


def write_picture(path: Path, timelines: Sequence[Timeline]) -> None:
    """Draw them into a PNG file.

    Raises:
        CannotDraw: matplotlib fails.
        InputError: it cannot be written.
    """
    write_output(path, draw_timelines(timelines).encode("png"))
