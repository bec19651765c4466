"""How tables and numbers are printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table whose columns are also aligned as plain text."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def percent(share: float) -> str:
    """One decimal; empty for NaN."""
    return "" if np.isnan(share) else f"{100 * share:.1f}"


def points(difference: float) -> str:
    """A difference of shares in percent, with its sign; empty for NaN."""
    return "" if np.isnan(difference) else f"{100 * difference:+.1f}"


def clips(count: float) -> str:
    """A number of videos with its sign, a mean over seeds with one decimal."""
    return f"{count:+.1f}".removesuffix(".0")


def mean_std(values: np.ndarray) -> str:
    """In percent, [seeds]; one seed has no deviation."""
    std = sample_std(values)
    return percent(values.mean()) + ("" if std is None else f" ± {100 * std:.1f}")


def sample_std(values: np.ndarray) -> float | None:
    """Sample standard deviation; one value has none."""
    return float(values.std(ddof=1)) if len(values) > 1 else None


def bullets(lines: Iterable[str]) -> str:
    """A list of sentences."""
    return "\n".join(f"- {line}" for line in lines)
