"""What a run looked at in one video: the segments' frames above the attention over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ...adapt.inference.prediction import Prediction
from ...cache.parts import split_part
from .picture import Picture
from .style import COLOURS, LINES, MARKERS, drawn, new_figure, show_frame, style

_CELL = 1.25  # inches


def draw_prediction(prediction: Prediction, images: Sequence[np.ndarray], *, name: str) -> Picture:
    """Under each frame, the class that its segment says by itself.

    Args:
        prediction: of a video.
        images: its segments' frames, K of [H, W, 3].
        name: of the picture's file.
    """
    title = f"{prediction.video.id}: {prediction.label} {prediction.score:.0%}"
    caption = "The frames that the run looked at, each with what its segment says by itself, and "
    caption += "the attention over time."
    return Picture(name, title, caption, _draw(prediction, images, title), photo=True)


def _draw(prediction: Prediction, images: Sequence[np.ndarray], title: str) -> Figure:
    segments, scores, classes = len(images), prediction.segment_scores, prediction.classes
    with style():
        width = max(_CELL * segments, 4)
        figure = new_figure(width, 2 * _CELL + 1)
        grid = figure.add_gridspec(2, segments, height_ratios=(1, 1.1))
        for j, image in enumerate(images):
            words = ""
            if scores is not None:
                words = f"{drawn(classes[scores[j].argmax()], _CELL)} {scores[j].max():.0%}"
            show_frame(figure.add_subplot(grid[0, j]), image, words, f"segment {j}")
        axis = figure.add_subplot(grid[1, :], label="attention")
        times, end, unit = prediction.frames, float(prediction.video.frames), "frame"
        if prediction.seconds is not None:
            times, end, unit = prediction.seconds, prediction.video.duration, "seconds"
        if prediction.attention is not None:
            axis.plot(
                times, prediction.attention, LINES[0], marker=MARKERS[0], color=COLOURS[0],
                label="predicted",
            )  # fmt: skip
        if prediction.weights is not None:
            axis.axhline(1 / segments, linestyle=LINES[2], color="black", label="uniform")
            axis.legend(fontsize=7, frameon=False)
            axis.set_ylim(0, 1.2 * max(prediction.weights.max(), 1 / segments))
        else:
            axis.set_title("this method does not weigh single segments", fontsize=8)
            axis.set_yticks([])
        # The whole video, if its length is known, so that each frame is above its time.
        axis.set_xlim(_start(prediction), max(end, times.max()) or 1)
        axis.set_ylabel("attention")
        axis.set_xlabel(unit)
        figure.suptitle(drawn(title, width - 0.4), fontsize=9)
    return figure


def _start(prediction: Prediction) -> float:
    """Of the axis: seconds are the recording's, frames are counted from a window's start."""
    _, part = split_part(prediction.video.id)
    by_time = part and part.unit == "seconds" and prediction.seconds is not None
    return part.start if part and by_time else 0.0
