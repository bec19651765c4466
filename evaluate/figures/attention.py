"""Attention over time: which part of a target video the attention network looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .data.pairs import PairAttention
from .picture import Picture
from .style import COLOURS, LINES, MARKERS, drawn, new_figure, style


def attention_picture(everyone: np.ndarray, pairs: Sequence[PairAttention], name: str) -> Picture:
    """The attention of all target test videos by segment, and of some over time.

    Args:
        everyone: predicted attention of the test videos, [n, Kt].
        pairs: whose target videos have a panel each.
        name: of the run.
    """
    return Picture(
        f"{name}_attention",
        f"{name}: attention over time",
        "Attention to target segments: over all test videos (median and quartiles), and in single "
        "videos, as the attention network predicts it and as co-attention with the source video of "
        "the figures below gives it. Dotted: all segments weigh the same.",
        draw_attention(everyone, pairs),
    )


def draw_attention(everyone: np.ndarray, pairs: Sequence[PairAttention]) -> Figure:
    """A panel of all test videos, [n, Kt], and one per pair."""
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
        lines = {str(line.get_label()): line for axis in figure.axes for line in axis.lines}
        figure.legend(
            list(lines.values()), list(lines), loc="outside lower center", ncols=len(lines),
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


def _pair(axis: Axes, pair: PairAttention) -> None:
    assert pair.predicted is not None  # the run predicts attention
    axis.plot(
        pair.times, pair.predicted, LINES[0], marker=MARKERS[0], color=COLOURS[0],
        label="predicted",
    )  # fmt: skip
    axis.plot(
        pair.times, pair.joint.sum(0), LINES[1], marker=MARKERS[1], color=COLOURS[4],
        label="co-attention with the source video",
    )  # fmt: skip
    axis.axhline(1 / len(pair.predicted), linestyle=LINES[2], color="black", label="uniform")
    axis.set_xlabel(pair.time_unit)
    axis.set_title(drawn(pair.target.id, 3.2), fontsize=9)
