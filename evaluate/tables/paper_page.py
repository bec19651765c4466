"""The paper's tables as blocks of a page."""

from __future__ import annotations

from collections.abc import Sequence

from .layout import Block, Bullets, Commands, Heading, Table, Text, mean_std
from .paper import Cell, TaskTable
from .published import MODALITIES


def paper_table(block: TaskTable) -> Table:
    """A row per method: the published numbers, then ours."""
    return Table(
        ["method", *_side(block.paper, block.modalities), *_side(block.ours, inputs_of(block))],
        [[row[0].label, *map(published_cell, row), *map(our_cell, row)] for row in block.rows],
    )


def paper_page(blocks: Sequence[TaskTable]) -> list[Block]:
    """Every block with its notes and the commands that fill its empty cells."""
    page: list[Block] = []
    for block in blocks:
        page += [Heading(f"Table {block.table}, {block.task}"), paper_table(block)]
        page.append(Bullets(block.notes))
        for fill in block.fills.values():
            page += [Text(fill.sentence), Commands([fill.command])]
    return page


def inputs_of(block: TaskTable) -> list[str]:
    """Names of our inputs: what the paper does not state is stated for ours."""
    return [MODALITIES[m].upper() if m == "unstated" else m for m in block.modalities]


def published_cell(cell: Cell) -> str:
    return cell.published.text if cell.published else ""


def our_cell(cell: Cell) -> str:
    """Mean and deviation with the number of seeds, or why there is no run."""
    if cell.ours is None or cell.ours.scores is None:
        return cell.missing
    return f"{mean_std(cell.ours.scores.accuracy)} ({len(cell.ours.runs)})"


def _side(title: str, modalities: Sequence[str]) -> list[str]:
    """Headings of one side; the first one says whose numbers they are."""
    first, *rest = modalities
    return [f"{title}: {first}", *rest]
