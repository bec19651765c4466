"""The distribution of scores on the target beside that on the source."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..scores.trust.drift import ScoreDrift
from .picture import Picture
from .style import COLOURS, LINES, new_figure, style

_BINS = np.linspace(0, 1, 21)


def drift_picture(drift: ScoreDrift, name: str) -> Picture:
    """Both distributions, and their medians in the caption.

    Args:
        drift: the scores.
        name: of the group's folder.
    """
    source, target = (np.median(scores) for scores in (drift.source, drift.target))
    return Picture(
        f"{name}_score_drift",
        f"{name}: scores of source and target",
        f"Shares of videos by their highest calibrated score, over all seeds: median {source:.2f} "
        f"on the source's validation videos, {target:.2f} on the target's test videos. The "
        "farther the target's scores lie below the source's, the less the source tells of it; "
        "equal scores do not show that the labels are right.",
        draw_drift(drift),
        summary=True,
    )


def draw_drift(drift: ScoreDrift) -> Figure:
    """Two outlines in one panel."""
    with style():
        figure = new_figure(5.2, 2.4)
        axis = figure.add_subplot()
        scores = {"source validation": drift.source, "target test": drift.target}
        for n, (label, values) in enumerate(scores.items()):
            counts, _ = np.histogram(values, _BINS)
            axis.stairs(
                100 * counts / len(values), _BINS, label=label, linewidth=1.6,
                color=COLOURS[n], linestyle=LINES[n],
            )  # fmt: skip
        axis.set_xlim(0, 1)
        axis.set_xlabel("highest score")
        axis.set_ylabel("videos, %")
        axis.legend(loc="upper left", frameon=False)
    return figure
