"""What a page is made of, and how numbers are written.

The functions of this folder turn records into blocks; `report` writes blocks as markdown or HTML.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Table:
    """Cells as text; every row has as many as the head.

    Args:
        head: of the columns.
        rows: of cells.
        shades: how dark each cell is where there are colours, in [0, 1]; none are if empty.
    """

    kind: ClassVar[str] = "table"
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    shades: Sequence[Sequence[float]] = ()


@dataclass(frozen=True)
class Heading:
    """What the blocks below it are about."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Statement:
    """The sentence that matters most of what is around it."""

    kind: ClassVar[str] = "statement"
    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    kind: ClassVar[str] = "bullets"
    lines: Sequence[str]


@dataclass(frozen=True)
class Commands:
    """Commands to copy, a line each."""

    kind: ClassVar[str] = "commands"
    lines: Sequence[str]


Block = Table | Heading | Statement | Text | Bullets | Commands


def wrapped(text: str) -> str:
    """A paragraph on lines of at most 96 columns; words, such as paths, and percentages stay
    whole."""
    kept = text.replace(" %", "\N{NO-BREAK SPACE}%")
    lines = textwrap.fill(kept, 96, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\N{NO-BREAK SPACE}%", " %")


def percent(share: float) -> str:
    """One decimal; empty for NaN."""
    return "" if np.isnan(share) else f"{100 * share:.1f}"


def points(difference: float) -> str:
    """A difference of shares in percent, with its sign; empty for NaN."""
    return "" if np.isnan(difference) else f"{100 * difference:+.1f}"


def clips(count: float) -> str:
    """A number of videos with its sign; a mean over seeds has one decimal."""
    return f"{count:+.1f}".removesuffix(".0")


def mean_std(values: np.ndarray) -> str:
    """Mean and deviation in percent, [seeds]; one seed has no deviation."""
    std = sample_std(values)
    return percent(values.mean()) + ("" if std is None else f" ± {100 * std:.1f}")


def sample_std(values: np.ndarray) -> float | None:
    """Sample standard deviation, [seeds]; None for one seed."""
    return float(values.std(ddof=1)) if len(values) > 1 else None
