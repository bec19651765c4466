"""How figures look: colours that colour-blind eyes tell apart, markers and lines for grey too."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette. Some are equally light: in grey something else must tell them apart.
COLOURS = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7"),
    *("#D55E00", "#56B4E9", "#000000", "#F0E442"),
)
UNKNOWN = "#999999"
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
LINES = ("-", "--", ":", "-.")
_STYLE = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "tcon",  # equal figures give equal files
}


@dataclass(frozen=True)
class Picture:
    """A figure and what a reader needs to know of it.

    Args:
        name: of its files, without suffix.
        title: a few words.
        caption: what is drawn, and how to read it.
        figure: drawn.
        photo: it holds images or thousands of points, so a report shows it as WebP, not as SVG.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    photo: bool = False

    def encode(self, kind: Literal["png", "svg", "webp"]) -> bytes:
        """The file's content."""
        buffer = BytesIO()
        # Without the date, equal figures give equal files.
        metadata = {"Date": None} if kind == "svg" else None
        with matplotlib.rc_context(_STYLE):
            self.figure.savefig(buffer, format=kind, dpi=120, metadata=metadata)
        return buffer.getvalue()

    def write(self, folder: Path) -> None:
        """``NAME.png`` and ``NAME.svg``."""
        for kind in ("png", "svg"):
            (folder / f"{self.name}.{kind}").write_bytes(self.encode(kind))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, whose axes make room for their labels."""
    return Figure(figsize=(width, height), layout="constrained")


def style() -> matplotlib.rc_context:
    """The context that axes are made in."""
    return matplotlib.rc_context(_STYLE)


def show_frame(axis: Axes, image: np.ndarray, label: str, name: str) -> None:
    """An image [H, W, 3] with a word under it, as the axes ``name``."""
    axis.imshow(image)
    axis.set_label(name)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)
    axis.set_xlabel(label, fontsize=7, labelpad=2)
