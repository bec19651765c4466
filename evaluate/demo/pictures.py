"""Pictures of clips and results, as PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torchvision.transforms.v2 import functional as tv

from ...extract.decoding import read_frames
from ...extract.snippets.sampling import Sampling, centres
from ..figures.style import COLOURS
from ..runs.groups import Group

_HEIGHT, _WIDTH = 72, 96


def draw_frames(
    rows: Mapping[str, Sequence[Path]], titles: Sequence[str], path: Path, *, frames: int = 6
) -> None:
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
    _save(figure, path, dpi=100)  # as fine as the frames


def draw_accuracies(
    panels: Mapping[str, Sequence[Group]], path: Path, *, chance: Mapping[str, float]
) -> None:
    """Mean accuracy of each group with its 95 % interval, and a dot per seed.

    Args:
        panels: groups by panel title.
        chance: accuracy of guessing, by panel title.
    """
    figure = Figure(figsize=(4.2 * len(panels), 3.4))
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (title, groups) in zip(grid, panels.items(), strict=True):
        for x, group in enumerate(groups):
            scores = group.scores
            mean, colour = 100 * scores.accuracy.mean(), COLOURS[x % len(COLOURS)]
            low, high = (100 * bound for bound in scores.interval)
            axis.bar(x, mean, width=0.6, color=colour, alpha=0.75)
            axis.errorbar(x, mean, [[mean - low], [high - mean]], color="black", capsize=5)
            dots = x + np.linspace(-0.15, 0.15, len(scores.accuracy))
            axis.plot(dots, 100 * scores.accuracy, "o", mfc="white", mec="black", ms=5)
            axis.annotate(f"{mean:.1f}", (x, high), (0, 4), textcoords="offset points", ha="center")
        axis.axhline(100 * chance[title], color="grey", linestyle="--", linewidth=1)
        axis.annotate(
            "chance", (1, 100 * chance[title]), (-2, 2), ("axes fraction", "data"),
            textcoords="offset points", ha="right", fontsize=8, color="dimgrey",
        )  # fmt: skip
        axis.set_xticks(range(len(groups)), [_label(group) for group in groups], fontsize=8)
        axis.set_xlim(-0.6, len(groups) - 0.4)
        axis.set_title(title, fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    grid[0].set_ylim(0, 109)
    grid[0].set_ylabel("target accuracy, %")
    _save(figure, path)


def _label(group: Group) -> str:
    how = group.first.config["train"]["normalise"]
    return group.label + ("\nas extracted" if how == "none" else "\nstandardised")


def _strip(video: Path, frames: int) -> np.ndarray:
    """Frames side by side, [H, frames * W, 3] uint8."""

    sampling = Sampling("uniform", frames)
    images = read_frames(str(video), lambda total: centres(sampling.frames(total)))
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    resized = tv.resize(pixels, [_HEIGHT, _WIDTH])  # [frames, 3, H, W]
    return resized.permute(2, 0, 3, 1).reshape(_HEIGHT, -1, 3).numpy()


def _save(figure: Figure, path: Path, *, dpi: int = 150) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=dpi)
