"""Accuracy by the number of segments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ...adapt.run_folder import what_counts
from ..runs.groups import Group
from .style import COLOURS, LINES, MARKERS, new_figure, style

Series = dict[str, list[Group]]


def series_by_segments(groups: Sequence[Group]) -> dict[str, Series]:
    """Labelled groups that differ in K alone, by name, and those by transfer and input.

    Panels with a single K are left out.
    """
    panels: dict[str, dict[str, list[Group]]] = {}
    for group in groups:
        if group.scores is None:
            continue
        title = f"{group.transfer}, {group.modality}"
        same = json.dumps(what_counts(group.first.config) | {"seed": 0, "segments": 0})
        panels.setdefault(title, {}).setdefault(same, []).append(group)
    return {
        title: _named(list(series.values()))
        for title, series in panels.items()
        if any(len(members) > 1 for members in series.values())
    }


def draw_segments(panels: Mapping[str, Series]) -> Figure:
    """Mean accuracy of each method with its 95 % interval.

    Args:
        panels: as `series_by_segments` gives them.
    """
    names = list(dict.fromkeys(name for series in panels.values() for name in series))
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    with style():
        figure = new_figure(max(4.4, 3.2 * columns), 3.3 * rows + 0.6)
        axes = [figure.add_subplot(rows, columns, place + 1) for place in range(len(panels))]
        for axis, (title, series) in zip(axes, panels.items(), strict=True):
            ks = _ks([group for members in series.values() for group in members])
            for name, members in series.items():
                n = names.index(name)  # a method looks the same in every panel
                place = [ks.index(group.segments) for group in members]
                order = np.argsort(place)
                scores = [members[i].scores for i in order]
                mean = np.array([100 * score.accuracy.mean() for score in scores])
                low, high = np.array([score.interval for score in scores]).T * 100
                # Side by side, so that intervals do not hide each other.
                x = np.sort(place) + 0.08 * (n - (len(names) - 1) / 2)
                axis.errorbar(
                    x, mean, [mean - low, high - mean], label=name, capsize=3,
                    color=COLOURS[n % len(COLOURS)], linestyle=LINES[n % len(LINES)],
                    marker=MARKERS[n % len(MARKERS)],
                )  # fmt: skip
            axis.set_xticks(range(len(ks)), ks)
            axis.set_xlabel("segments K")
            axis.set_ylim(0, 102)
            axis.set_title(title.replace(", ", "\n"))
        figure.supylabel("target accuracy, %", fontsize="medium")
        drawn = {c.get_label(): c for axis in axes for c in axis.containers}
        figure.legend(
            [drawn[name] for name in names], names, loc="outside lower center",
            ncols=min(len(names), 3), frameon=False,
        )  # fmt: skip
    return figure


def _named(series: Sequence[list[Group]]) -> Series:
    """By method, with the folder where two series are of one method."""
    methods = [members[0].method for members in series]
    return {
        members[0].method
        if methods.count(members[0].method) == 1
        else f"{members[0].method} ({members[0].first.path.parent})": members
        for members in series
    }


def _ks(groups: Sequence[Group]) -> list[str]:
    """The numbers of segments, by the target's, then the source's."""
    found = {group.segments for group in groups}
    return sorted(found, key=lambda k: [int(n) for n in (*k.split(":")[::-1], k.split(":")[0])])
