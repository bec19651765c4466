"""The style of all figures: colours that colour-blind readers can tell apart, and markers and line
styles that still differ in grey."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...cache.common.writing import write_output

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


@dataclass(frozen=True)
class Picture:
    """A figure and what a reader needs to know about it.

    Args:
        name: of its files, without suffix.
        title: a few words.
        caption: what is drawn, and how to read it.
        figure: the drawing.
        photo: it holds images or thousands of points, so a report embeds it as WebP, not as SVG.
        dpi: dots per inch of PNG and WebP.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    photo: bool = False
    dpi: int = 120

    def encode(self, kind: Literal["png", "svg", "webp"]) -> bytes:
        """The content of an image file."""
        buffer = BytesIO()
        # Without the date, equal figures give equal files.
        metadata = {"Date": None} if kind == "svg" else None
        with matplotlib.rc_context(_STYLE):
            self.figure.savefig(buffer, format=kind, dpi=self.dpi, metadata=metadata)
        return buffer.getvalue()

    def write(self, folder: Path) -> None:
        """``NAME.png`` and ``NAME.svg``.

        Raises:
            InputError: they cannot be written.
        """
        for kind in ("png", "svg"):
            write_output(folder / f"{self.name}.{kind}", self.encode(kind))


@dataclass(frozen=True)
class NotDrawn:
    """A figure that cannot be drawn: ``what`` it would show, of which ``run``, and why not."""

    what: str
    run: str
    reason: str

    def __str__(self) -> str:
        return f"No {self.what} of {self.run}: {self.reason}"


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
