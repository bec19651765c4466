"""Accuracy of each method with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from ..runs.groups import Group
from ..runs.names import row_name
from .picture import Picture
from .style import COLOURS, drawn, new_figure, style

_MOST = 40  # rows that can be read

Row = tuple[str, float, tuple[float, float]]


def accuracy_rows(groups: Sequence[Group]) -> dict[str, list[Row]]:
    """By transfer, each group's name, mean accuracy and 95 % interval; of two groups or more."""
    rows: dict[str, list[Row]] = {}
    for group in groups:
        if group.scores is not None:
            name = f"{row_name(group, groups)}, {group.modality}, K = {group.segments}"
            mean = float(group.scores.accuracy.mean())
            rows.setdefault(group.transfer, []).append((name, mean, group.scores.interval))
    return {transfer: found for transfer, found in rows.items() if 1 < len(found) <= _MOST}


def accuracy_pictures(groups: Sequence[Group]) -> Iterator[Picture]:
    """A picture for each transfer."""
    for n, (transfer, rows) in enumerate(accuracy_rows(groups).items(), start=1):
        yield Picture(
            f"accuracy_{n}",
            f"Accuracy: {transfer}",
            "Mean accuracy over seeds on the target's test videos, with its 95 % interval.",
            draw_methods(rows),
            summary=True,
        )


def draw_methods(rows: Sequence[Row]) -> Figure:
    """A line for each row, the first on top."""
    with style():
        figure = new_figure(7.0, 0.8 + 0.27 * len(rows))
        axis = figure.add_subplot()
        for place, (_, mean, (low, high)) in enumerate(rows):
            errors = [[100 * (mean - low)], [100 * (high - mean)]]
            axis.errorbar([100 * mean], [place], xerr=errors, fmt="o", color=COLOURS[0], capsize=3)
        axis.set_yticks(range(len(rows)), [drawn(name, 3.2) for name, *_ in rows])
        axis.invert_yaxis()
        axis.set_xlim(0, 100)
        axis.grid(axis="x", alpha=0.3)
        axis.set_xlabel("accuracy, %")
    return figure
