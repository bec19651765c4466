"""The accuracy of methods as one knob of the worlds is turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from outcomes import CaseOutcome
from paired import ran

from tcon.evaluate.figures.picture import Picture
from tcon.evaluate.figures.style import COLOURS, LINES, MARKERS, new_figure, style


def knobs_picture(
    panels: Mapping[str, Mapping[float, Sequence[CaseOutcome]]], rows: Sequence[str]
) -> Picture:
    """A panel for each knob, a line for each row, with standard errors over worlds.

    Args:
        panels: cases by the knob's value, by knob.
        rows: that are drawn; a case without one, as its run failed, is left out of its mean.
    """
    return Picture(
        "results_knobs",
        "Accuracy by knob",
        "Target test accuracy as one knob is turned and the others stay as in the base world: mean "
        "over worlds, bars are standard errors.",
        _draw(panels, rows),
        dpi=150,
    )


def _draw(
    panels: Mapping[str, Mapping[float, Sequence[CaseOutcome]]], rows: Sequence[str]
) -> Figure:
    with style():
        figure = new_figure(2.4 * len(panels), 2.9)
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axis, (knob, groups) in zip(axes, panels.items(), strict=True):
            for n, row in enumerate(rows):
                accuracies = [
                    100 * np.array([case.of(row).accuracy for case in cases if ran(case, row)])
                    for cases in groups.values()
                ]
                axis.errorbar(
                    list(groups),
                    [a.mean() for a in accuracies],
                    yerr=[a.std(ddof=1) / len(a) ** 0.5 if len(a) > 1 else 0 for a in accuracies],
                    linestyle=LINES[n % len(LINES)],
                    marker=MARKERS[n % len(MARKERS)],
                    color=COLOURS[n % len(COLOURS)],
                    label=row,
                    markersize=4,
                    linewidth=1.2,
                )
            axis.set_xlabel(knob)
        axes[0].set_ylabel("accuracy, %")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=len(rows), fontsize=8, frameon=False
        )
    return figure
