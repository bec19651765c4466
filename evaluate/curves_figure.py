"""Training curves: losses, discriminator accuracies and what health is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .drawing import COLOURS, LINES, MARKERS, new_figure, style

Records = Sequence[Mapping[str, float]]

_SCHEDULES = ("step", "epoch", "lr", "lambda_d")
_ACCURACY = "_disc_accuracy"
_LOSSES = ("_class", "_domain", "_entropy", "_mmd")  # endings
_LOSS_NAMES = ("loss", "entropy", "mmd")
_ATTENTION = ("attention", "attention_uniform")  # far smaller than the other losses


def draw_curves(seeds: Sequence[Records]) -> Figure:
    """The mean over seeds of every logged number, and the range of the seeds.

    Args:
        seeds: the lines of each seed's ``metrics.jsonl``, at least one of each.
    """
    panels = panels_of(seeds[0][0])
    with style():
        columns = min(len(panels), 2)  # two side by side can still be read on a phone
        rows = -(-len(panels) // columns)
        figure = new_figure(3.6 * columns, 3.3 * rows)
        for place, (title, keys) in enumerate(panels.items(), start=1):
            axis = figure.add_subplot(rows, columns, place)
            for n, key in enumerate(keys):
                _line(axis, n, key.removesuffix(_ACCURACY).replace("_", " "), seeds, key)
            if title == "discriminator accuracy":
                axis.axhline(0.5, color="black", linewidth=0.8, linestyle=LINES[2])
                axis.set_ylim(0, 1.02)
            if title == "shares":
                axis.set_ylim(-0.02, 1.02)
            if title == "counts":
                axis.set_ylim(bottom=0)
            axis.set_title(title)
            axis.set_xlabel("step")
            axis.legend(
                loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize=7, frameon=False
            )
    return figure


def panels_of(record: Mapping[str, float]) -> dict[str, list[str]]:
    """Which logged numbers share an axis, by the panel's title; no panel is empty."""
    keys = [key for key in record if key not in _SCHEDULES]
    losses = [key for key in keys if key.endswith(_LOSSES) or key in _LOSS_NAMES]
    accuracies = [key for key in keys if key.endswith(_ACCURACY)]
    rest = [key for key in keys if key not in {*losses, *accuracies, *_ATTENTION}]
    counts = [key for key in rest if key == "pairs" or key.endswith("_step")]
    shares = [key for key in rest if key not in counts]
    panels = {
        "losses": losses,
        "attention loss": [key for key in keys if key in _ATTENTION],
        "discriminator accuracy": accuracies,
        "shares": shares,
        "counts": counts,
    }
    return {title: members for title, members in panels.items() if members}


def _line(axis: Axes, n: int, name: str, seeds: Sequence[Records], key: str) -> None:
    length = min(map(len, seeds))
    steps = [record["step"] for record in seeds[0][:length]]
    values = np.array([[record[key] for record in records[:length]] for records in seeds])
    colour = COLOURS[n % len(COLOURS)]
    if len(seeds) > 1:
        axis.fill_between(steps, values.min(0), values.max(0), color=colour, alpha=0.2, linewidth=0)
    axis.plot(
        steps, values.mean(0), LINES[n % len(LINES)], color=colour, label=name, linewidth=1.4,
        marker=MARKERS[n % len(MARKERS)], markersize=4, markevery=max(1, length // 6),
    )  # fmt: skip
