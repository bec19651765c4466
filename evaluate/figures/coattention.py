"""A co-attention matrix with the frames of both videos along its axes (the paper's figure 6)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .data.frames import PairFrames
from .data.pairs import PairAttention
from .picture import Picture
from .style import drawn, new_figure, show_frame, style

_CELL = 0.95  # inches
_MARGIN = 0.4


def coattention_picture(pair: PairAttention, frames: PairFrames, name: str, number: int) -> Picture:
    """The co-attention matrix of a pair of videos.

    Args:
        pair: the videos and their co-attention.
        frames: an image of each segment of both.
        name: of the run.
        number: of the pair among the run's.
    """
    source, target = pair.source, pair.target
    figure = draw_coattention(
        pair.joint,
        frames.source,
        frames.target,
        source_labels=[f"frame {frame}" for frame in pair.source_frames],
        target_labels=[f"frame {frame}" for frame in pair.target_frames],
        titles=(
            f"{source.id} ({source.label or 'unlabelled'})",
            f"{target.id} ({target.label or 'unlabelled'})",
        ),
    )
    return Picture(
        f"{name}_coattention_{number}",
        f"{name}: co-attention, pair {number}",
        f"Share of each pair of segments in the co-attention of {source.id} (rows) and "
        f"{target.id} (columns), in percent; dark is high, and {100 / pair.joint.size:.1f} "
        "everywhere would mean no preference. Frames are the centres of the snippets used.",
        figure,
        photo=True,
    )


def draw_coattention(
    matrix: np.ndarray,
    source: Sequence[np.ndarray],
    target: Sequence[np.ndarray],
    *,
    source_labels: Sequence[str],
    target_labels: Sequence[str],
    titles: tuple[str, str],
) -> Figure:
    """Row j of the matrix is beside the frame of source segment j, column k below that of target
    segment k.

    Args:
        matrix: [Ks, Kt], sums to 1.
        source, target: an image [H, W, 3] of each segment.
        source_labels, target_labels: a label under each image.
        titles: of the source and the target video.
    """
    rows, columns = matrix.shape
    size = (_CELL * (columns + 1) + 1, _CELL * (rows + 1) + 1 + _MARGIN)
    with style():
        figure = new_figure(*size)
        grid = figure.add_gridspec(rows + 1, columns + 1)
        for j, (image, label) in enumerate(zip(source, source_labels, strict=True)):
            show_frame(figure.add_subplot(grid[j + 1, 0]), image, label, f"source {j}")
        for j, (image, label) in enumerate(zip(target, target_labels, strict=True)):
            show_frame(figure.add_subplot(grid[0, j + 1]), image, label, f"target {j}")
        axis = figure.add_subplot(grid[1:, 1:], label="matrix")
        # White is 0 and black at least twice an equal share, so that a matrix that prefers
        # nothing is an even middle grey; dark is high, in print too.
        darkest = max(matrix.max(), 2 / matrix.size)
        axis.imshow(matrix, cmap="Greys", vmin=0, vmax=darkest, aspect="auto")
        for (j, k), value in np.ndenumerate(matrix):
            dark = value > 0.6 * darkest
            axis.text(
                k, j, f"{100 * value:.1f}", ha="center", va="center",
                color="white" if dark else "black",
            )  # fmt: skip
        axis.set_xticks([])
        axis.set_yticks([])
        axis.spines[:].set_visible(True)
        figure.supylabel(drawn(f"source: {titles[0]}", size[1] - 0.4), fontsize=9)
        figure.suptitle(drawn(f"target: {titles[1]}", size[0] - 0.4), fontsize=9)
    return figure
