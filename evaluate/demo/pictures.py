"""The demo's pictures: frames of the clips, and the accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torchvision.transforms.v2 import functional as tv

from ...cache.recipe import Sampling
from ...extract.decoding import read_frames
from ...extract.snippets.sampling import centres, snippet_frames
from ..figures.picture import Picture
from ..figures.style import COLOURS
from .steps import TaskAccuracies

_HEIGHT, _WIDTH = 72, 96


def frames_picture(
    rows: Mapping[str, Sequence[Path]], titles: Sequence[str], *, frames: int = 6
) -> Picture:
    """Evenly spaced frames of clips, a row per class and a column of strips per domain.

    Args:
        rows: per row name, one video per domain.
        titles: of the domains.
        frames: per clip.
    """
    figure = Figure(figsize=(1.0 * frames * len(titles) + 1.4, 0.75 * len(rows) + 0.5))
    grid = figure.subplots(len(rows), len(titles), squeeze=False)
    for axes, (name, videos) in zip(grid, rows.items(), strict=True):
        for axis, video in zip(axes, videos, strict=True):
            axis.imshow(_strip(video, frames))
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(False)
        axes[0].set_ylabel(name.replace("_", " "), rotation=0, ha="right", va="center", fontsize=9)
    for axis, title in zip(grid[0], titles, strict=True):
        axis.set_title(title, fontsize=10)
    figure.tight_layout()
    caption = "A clip of each class in both domains."
    # At 100 dots per inch, the frames keep their own resolution.
    return Picture("frames", "Frames", caption, figure, photo=True, dpi=100)


def accuracy_picture(panels: Mapping[str, TaskAccuracies], *, world: str = "") -> Picture:
    """Mean accuracy of each method with its 95 % interval, and a dot per seed.

    Args:
        panels: the accuracies of each task, by its title.
        world: what the clips are like, for the title; empty for the default.
    """
    figure = Figure(figsize=(4.2 * len(panels), 3.4))
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (title, task) in zip(grid, panels.items(), strict=True):
        for x, method in enumerate(task.methods):
            mean, colour = 100 * method.accuracy.mean(), COLOURS[x % len(COLOURS)]
            low, high = (100 * bound for bound in method.interval)
            axis.bar(x, mean, width=0.6, color=colour, alpha=0.75)
            axis.errorbar(x, mean, [[mean - low], [high - mean]], color="black", capsize=5)
            dots = x + np.linspace(-0.15, 0.15, len(method.accuracy))
            axis.plot(dots, 100 * method.accuracy, "o", mfc="white", mec="black", ms=5)
            axis.annotate(f"{mean:.1f}", (x, high), (0, 4), textcoords="offset points", ha="center")
        axis.axhline(100 * task.chance, color="grey", linestyle="--", linewidth=1)
        axis.annotate(
            "chance", (1, 100 * task.chance), (-2, 2), ("axes fraction", "data"),
            textcoords="offset points", ha="right", fontsize=8, color="dimgrey",
        )  # fmt: skip
        labels = [method.label for method in task.methods]
        axis.set_xticks(range(len(labels)), labels, fontsize=8)
        axis.set_xlim(-0.6, len(labels) - 0.4)
        axis.set_title(title, fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    grid[0].set_ylim(0, 109)
    grid[0].set_ylabel("target accuracy, %")
    if world:
        figure.suptitle(world, fontsize=10)
    figure.tight_layout()
    caption = "Mean accuracy over seeds on the target's test clips; bars are 95 % intervals."
    return Picture("accuracy", "Accuracy", caption, figure, dpi=150)


def _strip(video: Path, frames: int) -> np.ndarray:
    """Frames side by side, [H, frames * W, 3] uint8."""
    sampling = Sampling("uniform", frames)
    images = read_frames(str(video), lambda total: centres(snippet_frames(sampling, total)))
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)  # [frames, 3, H0, W0]
    resized = tv.resize(pixels, [_HEIGHT, _WIDTH])  # [frames, 3, H, W]
    return resized.permute(2, 0, 3, 1).reshape(_HEIGHT, -1, 3).numpy()
