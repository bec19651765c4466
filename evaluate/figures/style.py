"""The style of all figures: colours that colour-blind readers can tell apart, and markers and line
styles that still differ in grey."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..tables.cells import cell_len, named

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType  # from matplotlib 3.11 on

# Okabe and Ito's palette. Some are equally light: in grey something else must tell them apart.
COLOURS = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7"),
    *("#D55E00", "#56B4E9", "#000000", "#F0E442"),
)
UNKNOWN = "#999999"
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
LineStyle = Literal["-", "--", ":", "-."]
LINES: tuple[LineStyle, ...] = ("-", "--", ":", "-.")
_STYLE: dict[RcKeyType, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "tcon",  # equal figures give equal files
    "text.parse_math": False,  # a $ in a name is no formula
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
}
_CELLS = 13  # letters to an inch


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, whose axes make room for their labels."""
    return Figure(figsize=(width, height), layout="constrained")


def style() -> AbstractContextManager[None]:
    """The context to create axes in."""
    return matplotlib.rc_context(_STYLE)


def drawn(name: str, width: float) -> str:
    """A name of the user's as text of about ``width`` inches; every such name is drawn so."""
    return named(name, int(_CELLS * width))


def legend_columns(labels: Collection[str], width: float) -> int:
    """How many columns, at most 3, a legend of these labels has room for in ``width`` inches."""
    widths = [cell_len(label) + 5 for label in labels]  # with its mark
    return max(1, min(3, len(widths), int(_CELLS * width) // max(widths)))


def show_frame(axis: Axes, image: np.ndarray, label: str, name: str) -> None:
    """Show an image [H, W, 3] with a short label under it; ``name`` is the label of the axes."""
    axis.imshow(image)
    axis.set_label(name)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)
    axis.set_xlabel(label, fontsize=7, labelpad=2)
