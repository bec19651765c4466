"""Blocks as markdown, which is also what the console shows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...cache.errors import visible
from ..tables.cells import cell_len, padded
from ..tables.layout import Block, Bullets, Commands, Heading, Table
from .content import Content
from .page import printed


def to_markdown(content: Content, *, details: bool = False, csv: Path | None = None) -> str:
    """What ``tcon eval`` prints; empty where there is nothing to say.

    Args:
        content: of runs.
        details: seeds, classes and confusions too.
        csv: the file that gets all predictions, where one does.
    """
    return blocks_markdown(printed(content, details=details, csv=csv))


def blocks_markdown(blocks: Iterable[Block]) -> str:
    """Blocks, with an empty line between them."""
    return "\n\n".join(map(_block, blocks))


def markdown_table(table: Table) -> str:
    """A table whose columns are also aligned as plain text."""
    head, *rows = [[_cell(cell) for cell in row] for row in (table.head, *table.rows)]
    widths = [max(map(cell_len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: list[str]) -> str:
        return f"| {' | '.join(map(padded, cells, widths))} |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def _block(block: Block) -> str:
    if isinstance(block, Table):
        return markdown_table(block)
    if isinstance(block, Bullets):
        return "\n".join(f"- {visible(line)}" for line in block.lines)
    if isinstance(block, Commands):
        return "\n".join(f"    {visible(line)}" for line in block.lines)
    if isinstance(block, Heading):
        return visible(block.text)
    return "\n".join(map(visible, block.text.splitlines()))


def _cell(text: str) -> str:
    """Without what would end the cell."""
    return visible(text).replace("|", "\\|")
