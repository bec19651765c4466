"""A figure with its words and files, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

from matplotlib.figure import Figure

from .style import style


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
        with style():
            self.figure.savefig(buffer, format=kind, dpi=self.dpi, metadata=metadata)
        return buffer.getvalue()

    def write(self, folder: Path) -> None:
        """``NAME.png`` and ``NAME.svg``."""
        for kind in ("png", "svg"):
            (folder / f"{self.name}.{kind}").write_bytes(self.encode(kind))


@dataclass(frozen=True)
class NotDrawn:
    """A figure that cannot be drawn: ``what`` it would show, of which ``run``, and why not."""

    what: str
    run: str
    reason: str

    def __str__(self) -> str:
        return f"No {self.what} of {self.run}: {self.reason}"
