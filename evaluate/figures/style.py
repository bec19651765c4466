"""The style of all figures: colours that colour-blind readers can tell apart, and markers and line
styles that still differ in grey."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType  # from matplotlib 3.11 on

# Okabe and Ito's palette. Some are equally light: in grey something else must tell them apart.
COLOURS = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7"),
    *("#D55E00", "#56B4E9", "#000000", "#F0E442"),
)
UNKNOWN = "#999999"
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
LINES = ("-", "--", ":", "-.")
_STYLE: dict[RcKeyType, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "tcon",  # equal figures give equal files
}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, whose axes make room for their labels."""
    return Figure(figsize=(width, height), layout="constrained")


def style() -> AbstractContextManager[None]:
    """The context to create axes in."""
    return matplotlib.rc_context(_STYLE)


def show_frame(axis: Axes, image: np.ndarray, label: str, name: str) -> None:
    """Show an image [H, W, 3] with a label under it; ``name`` is the label of the axes."""
    axis.imshow(image)
    axis.set_label(name)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)
    axis.set_xlabel(label, fontsize=7, labelpad=2)
