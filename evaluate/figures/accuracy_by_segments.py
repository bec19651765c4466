"""Accuracy by the number of segments."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from ...adapt.run.record import OF_A_SEED
from ..runs.groups import Group
from .picture import Picture
from .style import COLOURS, LINES, MARKERS, drawn, legend_columns, new_figure, style


@dataclass(frozen=True)
class AccuracyAtK:
    """Accuracy with one number of segments.

    Args:
        segments: K, or ``K_s:K_t``.
        mean: over seeds, in [0, 1].
        interval: its 95 % interval.
    """

    segments: str
    mean: float
    interval: tuple[float, float]


Series = dict[str, list[AccuracyAtK]]


def accuracy_by_segments(groups: Sequence[Group]) -> dict[str, Series]:
    """Accuracies of labelled groups that differ in K alone, by name, and these by transfer and
    modality; each by rising K.

    Panels with a single K are left out.
    """
    panels: dict[str, dict[Hashable, list[Group]]] = {}
    for group in groups:
        if group.scores is None:
            continue
        title = f"{group.transfer}, {group.modality}"
        same = tuple(group.record.decisive(without=(*OF_A_SEED, "segments")).items())
        panels.setdefault(title, {}).setdefault(same, []).append(group)
    return {
        title: {name: _accuracies(members) for name, members in _named(list(series.values()))}
        for title, series in panels.items()
        if any(len(members) > 1 for members in series.values())
    }


def accuracy_picture(panels: Mapping[str, Series]) -> Picture:
    """Mean accuracy of each method by K, with its 95 % interval."""
    return Picture(
        "accuracy_by_segments",
        "Accuracy by number of segments",
        "Mean accuracy over seeds on the target's test videos; bars are 95 % intervals.",
        draw_accuracies(panels),
        summary=True,
    )


def draw_accuracies(panels: Mapping[str, Series]) -> Figure:
    """A panel per transfer and modality, as `accuracy_by_segments` gives them."""
    names = list(dict.fromkeys(name for series in panels.values() for name in series))
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    lines: dict[str, ErrorbarContainer] = {}
    width = max(4.4, 3.2 * columns)
    labels = {name: drawn(name, width - 0.6) for name in names}
    legend = legend_columns(labels.values(), width)
    with style():
        figure = new_figure(width, 3.3 * rows + 0.4 + 0.2 * -(-len(names) // legend))
        axes = [figure.add_subplot(rows, columns, place + 1) for place in range(len(panels))]
        for axis, (title, series) in zip(axes, panels.items(), strict=True):
            found = {at.segments for members in series.values() for at in members}
            ks = sorted(found, key=_by_target_first)
            for name, members in series.items():
                n = names.index(name)  # a method looks the same in every panel
                mean = np.array([100 * at.mean for at in members])
                low, high = 100 * np.array([at.interval for at in members]).T
                # Side by side, so that intervals do not hide each other.
                place = np.array([ks.index(at.segments) for at in members])
                x = place + 0.08 * (n - (len(names) - 1) / 2)
                lines[name] = axis.errorbar(
                    x, mean, [mean - low, high - mean], label=labels[name], capsize=3,
                    color=COLOURS[n % len(COLOURS)], linestyle=LINES[n % len(LINES)],
                    marker=MARKERS[n % len(MARKERS)],
                )  # fmt: skip
            axis.set_xticks(range(len(ks)), ks)
            axis.set_xlabel("segments K")
            axis.set_ylim(0, 102)
            transfer, modality = title.rsplit(", ", 1)
            axis.set_title(f"{drawn(transfer, 2.8)}\n{modality}")
        figure.supylabel("target accuracy, %", fontsize="medium")
        figure.legend(
            handles=[lines[name] for name in names], loc="outside lower center",
            ncols=legend, frameon=False,
        )  # fmt: skip
    return figure


def _accuracies(groups: Sequence[Group]) -> list[AccuracyAtK]:
    """By rising K."""
    found = [
        AccuracyAtK(
            group.segments,
            float(group.scores.accuracy.mean()),
            group.scores.interval,
        )
        for group in groups
        if group.scores is not None
    ]
    return sorted(found, key=lambda at: _by_target_first(at.segments))


def _named(series: Sequence[list[Group]]) -> list[tuple[str, list[Group]]]:
    """By method, with the folder where two series are of one method."""
    methods = [members[0].method for members in series]
    return [
        (
            members[0].method
            if methods.count(members[0].method) == 1
            else f"{members[0].method} ({members[0].folder})",
            members,
        )
        for members in series
    ]


def _by_target_first(segments: str) -> tuple[int, int]:
    """Sorts numbers of segments by the target's, then by the source's."""
    source, _, target = segments.partition(":")
    return int(target or source), int(source)
