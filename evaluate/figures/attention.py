"""Attention over time: which part of a target video the attention network looks at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import COLOURS, LINES, MARKERS, new_figure, style


class PairCourse(NamedTuple):
    """Attention in a pair of videos: its ``title``; ``predicted`` by the attention network and
    ``co_attended`` of the target's segments [Kt], at ``times`` [Kt] in ``unit``."""

    title: str
    predicted: np.ndarray
    co_attended: np.ndarray
    times: np.ndarray
    unit: str


def draw_attention(everyone: np.ndarray, pairs: Sequence[PairCourse]) -> Figure:
    """The attention of all target test videos by segment, and of some over time.

    Args:
        everyone: predicted attention of the test videos, [n, Kt].
        pairs: each in a panel of its own.
    """
    panels = 1 + len(pairs)
    columns = min(panels, 2)
    rows = -(-panels // columns)
    with style():
        figure = new_figure(3.6 * columns, 2.3 * rows + 0.3)
        axes = [figure.add_subplot(rows, columns, place + 1) for place in range(panels)]
        _everyone(axes[0], everyone)
        for axis, pair in zip(axes[1:], pairs, strict=True):
            _pair(axis, pair)
        top = max(axis.get_ylim()[1] for axis in figure.axes)
        for axis in figure.axes:
            axis.set_ylim(0, 1.05 * top)
        lines = {line.get_label(): line for axis in figure.axes for line in axis.lines}
        figure.legend(
            lines.values(), lines.keys(), loc="outside lower center", ncols=len(lines),
            fontsize=8, frameon=False,
        )  # fmt: skip
    return figure


def _everyone(axis: Axes, attention: np.ndarray) -> None:
    segments = attention.shape[1]
    x = np.arange(1, segments + 1)
    low, middle, high = np.percentile(attention, [25, 50, 75], axis=0)
    axis.fill_between(x, low, high, color=COLOURS[0], alpha=0.25, linewidth=0)
    axis.plot(x, middle, LINES[0], marker=MARKERS[0], color=COLOURS[0], label="predicted")
    axis.axhline(1 / segments, linestyle=LINES[2], color="black", label="uniform")
    axis.set_xticks(x)
    axis.set_xlabel("segment")
    axis.set_ylabel("attention")
    axis.set_title(f"{len(attention)} test videos", fontsize=9)


def _pair(axis: Axes, pair: PairCourse) -> None:
    axis.plot(
        pair.times, pair.predicted, LINES[0], marker=MARKERS[0], color=COLOURS[0],
        label="predicted",
    )  # fmt: skip
    axis.plot(
        pair.times, pair.co_attended, LINES[1], marker=MARKERS[1], color=COLOURS[4],
        label="co-attention with the source video",
    )  # fmt: skip
    axis.axhline(1 / len(pair.predicted), linestyle=LINES[2], color="black", label="uniform")
    axis.set_xlabel(pair.unit)
    axis.set_title(pair.title, fontsize=9)
