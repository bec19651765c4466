"""A figure with its words and files, or why there is none."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

from matplotlib.figure import Figure

from ...cache import InputError
from ...cache.common.files.writing import write_output
from ...cache.errors import visible
from .fonts import fit_fonts
from .style import style


@dataclass(frozen=True)
class Picture:
    """A figure and what a reader needs to know about it.

    Args:
        name: of its files, without suffix; of a long one they have the end.
        title: a few words.
        caption: what is drawn, and how to read it.
        figure: the drawing.
        photo: it holds images or thousands of points, so a report embeds it as WebP, not as SVG.
        summary: it says what came out, so a report shows it above all tables.
        dpi: dots per inch of PNG and WebP.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    photo: bool = False
    summary: bool = False
    dpi: int = 120

    def encode(self, kind: Literal["png", "svg", "webp"]) -> bytes:
        """The content of an image file.

        Raises:
            CannotDraw: matplotlib fails, as on a picture of too many dots.
        """
        buffer = BytesIO()
        # Without the date, equal figures give equal files.
        metadata = {"Date": None} if kind == "svg" else None
        try:
            with style(), warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of fonts, which `missing` says
                fit_fonts(self.figure)
                self.figure.savefig(buffer, format=kind, dpi=self.dpi, metadata=metadata)
        except Exception as error:
            raise CannotDraw(f"cannot draw {self.title}: {_why(error)}") from error
        return buffer.getvalue()

    def missing(self) -> frozenset[str]:
        """Characters that no font of the system has; boxes are drawn in their place."""
        with style():
            return fit_fonts(self.figure)

    def write(self, folder: Path, kinds: Iterable[Literal["png", "svg"]] = ("png", "svg")) -> None:
        """``NAME.png`` and ``NAME.svg``.

        Raises:
            CannotDraw: as `encode`.
            InputError: a file cannot be written.
        """
        for kind in kinds:
            write_output(folder / f"{file_stem(self.name)}.{kind}", self.encode(kind))


@dataclass(frozen=True)
class NotDrawn:
    """A figure that cannot be drawn: ``what`` it would show, of which ``run``, and why not."""

    what: str
    run: str
    reason: str

    def __str__(self) -> str:
        return visible(f"No {self.what} of {self.run}: {self.reason}")


class CannotDraw(InputError):
    """A figure that cannot be drawn, which is no reason to leave out what else was asked for."""


def draw(what: str, run: str, make: Callable[[], Picture]) -> Picture | NotDrawn:
    """Make a picture; whatever fails is said in its place, so that no figure stops a command."""
    try:
        return make()
    except Exception as error:
        return NotDrawn(what, run, _why(error))


def _why(error: Exception) -> str:
    """In one line: of wrong input its message, of anything else also its kind."""
    if isinstance(error, InputError):
        return str(error)
    said = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def file_stem(name: str) -> str:
    """The end of a name, short enough for file systems, which take 255 bytes."""
    return os.fsencode(name)[-200:].decode(errors="ignore")
