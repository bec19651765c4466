"""Training curves: losses, discriminator accuracies and what health is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...adapt.run.metrics import read_metrics
from ...adapt.run.read import read_health
from ...adapt.training.health import by_kind
from ...cache import InputError
from ..runs.groups import Group
from .picture import Picture
from .style import COLOURS, LINES, MARKERS, drawn, new_figure, style

Records = Sequence[Mapping[str, float]]

_ACCURACY = "_disc_accuracy"
_ATTENTION = ("attention", "attention_uniform")  # far smaller than the other losses
_SHARES = (
    *("pseudo_rate", "pseudo_changed", "pairs_cross_class"),
    *("coattention_entropy", "align_column_max", "align_same_row"),
    *("target_top_class", "feature_spread"),
)
_COUNTS = ("pairs",)
_UNIT = ("discriminator accuracy", "shares")  # panels from 0 to 1
# Axes and schedules, weights that never change, and the start of attention, which is a mark.
_NO_CURVES = (
    *("step", "epoch", "lr", "lambda_d", "mu", "beta", "lambda_"),
    *("attention_on", "attention_on_step"),
)


@dataclass(frozen=True)
class TrainingLogs:
    """What the runs of a group logged in training.

    Args:
        seeds: the lines of each seed's ``metrics.jsonl``, at least one of each.
        health: what looks wrong, in words.
    """

    seeds: Sequence[Records]
    health: str


def training_logs(group: Group) -> TrainingLogs:
    """Read the logs of a group.

    Raises:
        InputError: a run's metrics are damaged, or no curve is in all of them.
    """
    seeds = [read_metrics(run.path) for run in group.runs]
    if not all(seeds) or not _panels_of_all(seeds):
        raise InputError(
            f"the metrics of {group.first.path}, or of another seed, have no curve: delete the run "
            "and repeat it"
        )
    try:
        found = by_kind(
            (run.seed, finding) for run in group.runs for finding in read_health(run.path)
        )
        health = "; ".join(finding.text for _, finding in found) or "nothing looks wrong"
    except InputError as error:
        health = str(error)
    return TrainingLogs(seeds, health)


def curves_picture(logs: TrainingLogs, name: str) -> Picture:
    """The training curves of a group, with its health in the caption."""
    count = len(logs.seeds)
    seeds = "one seed" if count == 1 else f"the mean of {count} seeds and their range"
    return Picture(
        f"{name}_curves",
        f"{name}: training",
        f"Averages between evaluations, {seeds}. Health: {logs.health}.",
        draw_curves(logs.seeds),
    )


def draw_curves(seeds: Sequence[Records]) -> Figure:
    """The mean over seeds of the logged numbers, and the range of the seeds; a panel per unit.

    Args:
        seeds: the lines of each seed's ``metrics.jsonl``, at least one of each.
    """
    panels = _panels_of_all(seeds)
    with style():
        columns = min(len(panels), 2)  # two side by side can still be read on a phone
        rows = -(-len(panels) // columns)
        figure = new_figure(3.2 * columns, 3.2 * rows)
        for place, (title, keys) in enumerate(panels.items(), start=1):
            axis = figure.add_subplot(rows, columns, place)
            for n, key in enumerate(keys):
                name = drawn(key.removesuffix(_ACCURACY).replace("_", " "), 2)
                _line(axis, n, name, seeds, key)
            if title == "attention loss":
                _mark_start(axis, seeds)
            if title == "discriminator accuracy":
                axis.axhline(
                    0.5, color="black", linewidth=0.8, linestyle=LINES[2], label="guessing"
                )
            if title in _UNIT:
                axis.set_ylim(-0.02, 1.02)
            if title == "counts":
                axis.set_ylim(bottom=0)
            axis.set_title(title)
            axis.set_xlabel("step")
            axis.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
            axis.legend(
                loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize=8, frameon=False,
                columnspacing=1,
            )  # fmt: skip
    return figure


def panels_of(record: Mapping[str, float]) -> dict[str, list[str]]:
    """Which logged numbers share an axis, by the panel's title; no panel is empty. Numbers of no
    known kind are taken for losses."""
    keys = [key for key in record if key not in _NO_CURVES]
    others = {
        "attention loss": [key for key in keys if key in _ATTENTION],
        "discriminator accuracy": [key for key in keys if key.endswith(_ACCURACY)],
        "shares": [key for key in keys if key in _SHARES],
        "counts": [key for key in keys if key in _COUNTS],
    }
    placed = {key for members in others.values() for key in members}
    panels = {"losses": [key for key in keys if key not in placed], **others}
    return {title: members for title, members in panels.items() if members}


def _panels_of_all(seeds: Sequence[Records]) -> dict[str, list[str]]:
    """`panels_of` what every seed has logged; one that an older version trained may lack some."""
    logged = set(seeds[0][0]).intersection(*(records[0] for records in seeds))
    return panels_of({key: value for key, value in seeds[0][0].items() if key in logged})


def _mark_start(axis: Axes, seeds: Sequence[Records]) -> None:
    """A line at the step from which each seed uses the predicted attention, if it came to that."""
    steps = [records[-1].get("attention_on_step", 0) for records in seeds]
    for n, step in enumerate(filter(None, steps)):
        label = "attention is used" if n == 0 else None
        axis.axvline(step, color="black", linewidth=0.8, linestyle=LINES[3], label=label)


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
