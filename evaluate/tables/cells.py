"""Names in columns and figures: escaped, short enough, and as wide as a terminal shows them."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from ...cache.errors import visible

__all__ = ["cell_len", "named", "padded"]

_WIDEST = 60  # columns of a name in a table


def named(name: str, cells: int = _WIDEST) -> str:
    """A name as readers see it: what a terminal or an SVG would obey is escaped, and the middle of
    a name of more than ``cells`` columns is left out."""
    text = visible(name)
    if cell_len(text) <= cells:
        return text
    tail = cells // 2
    head = set_cell_size(text, cells - tail - 1).rstrip()
    return f"{head}…{set_cell_size(text[::-1], tail).rstrip()[::-1]}"


def padded(text: str, cells: int) -> str:
    """A text with spaces behind it; Chinese characters, say, take two columns each."""
    return text + " " * (cells - cell_len(text))
