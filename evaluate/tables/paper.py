"""The paper's tables with our runs beside the published numbers."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...cache import InputError
from ..runs.groups import Group
from ..runs.names import row_name
from ..runs.notes import notes_of
from .published import CLASS_LISTS, MODALITIES, PROXIES, Published, published

PAPER_TABLES = ("1", "2", "3", "4", "5")
_NO_RUN, _NOT_FUSED = "no run", "no --fuse"  # why a cell is empty


@dataclass(frozen=True)
class Cell:
    """One method on one input.

    Args:
        method: the tool's name.
        label: as the paper calls it.
        modality: as the paper calls it.
        published: None where the paper has no such number.
        ours: scored runs; None where there are none.
        missing: why there are none.
        command: that makes them; empty where none is known.
    """

    method: str
    label: str
    modality: str
    published: Published | None
    ours: Group | None
    missing: str = ""
    command: str = ""


@dataclass(frozen=True)
class Fill:
    """How empty cells can be filled: a sentence that ends in a colon, and a command."""

    sentence: str
    command: str


@dataclass(frozen=True, repr=False)
class TaskTable:
    """One task of a table: a row per method, a column per input, published and ours.

    Args:
        table: its number.
        task: the published numbers' task.
        paper, ours: headings of both sides; the names of the datasets where they differ.
        rows: cells of each method, in the order of ``modalities``.
        modalities: as the paper calls them.
        notes: what must be said of the numbers.
        fills: how empty cells can be filled: by the reason why they are empty, a sentence and a
            command.
    """

    table: str
    task: str
    paper: str
    ours: str
    modalities: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]
    fills: Mapping[str, Fill]

    def __repr__(self) -> str:
        return f"<TaskTable {self.table}, {self.task}: {len(self.rows)} methods>"


def paper_tables(table: str, groups: Sequence[Group]) -> list[TaskTable]:
    """Fill one of the paper's tables, one block per task.

    A run belongs to a cell by its task's name, method and modality. Runs on other data stand in
    blocks of their own, beside the numbers of the table's last task; where RGB and flow have
    feature files of their own, runs that were fused share a block.

    Args:
        table: "1" to "5".
        groups: scored.

    Raises:
        InputError: two groups fit one cell.
    """
    numbers = published(table)
    tasks = list(dict.fromkeys(number.task for number in numbers))
    own = {task: [g for g in groups if g.task in (task, *PROXIES.get(task, ()))] for task in tasks}
    known = {id(group) for members in own.values() for group in members}
    others: dict[str, list[Group]] = {}
    for group in groups:
        if id(group) not in known:
            others.setdefault(_heading(group, groups), []).append(group)
    shown = [task for task in tasks if own[task] or task != tasks[-1] or not others]
    blocks = [_block(numbers, task, own[task], None) for task in shown]
    return blocks + [_block(numbers, tasks[-1], g, dataset) for dataset, g in others.items()]


def _heading(group: Group, groups: Sequence[Group]) -> str:
    """A group's dataset; of a part of a fused group the latter's, so that both inputs stand in its
    block."""
    made_of_it = (g for g in groups if g.fusion and any(part is group for part in g.parts))
    return next(made_of_it, group).dataset


def _block(
    table: Sequence[Published], task: str, groups: Sequence[Group], dataset: str | None
) -> TaskTable:
    """``dataset`` names ours where it is not that of the task."""
    numbers = {(n.ours, n.modality): n for n in table if n.task == task}
    first = next(iter(numbers.values()))
    modalities = tuple(dict.fromkeys(modality for _, modality in numbers))
    titles = {g.method: g.label for g in groups if g.label != g.method}
    labels = {
        n.ours: f"{n.method}, ours {titles[n.ours]}" if n.ours in titles else n.method
        for n in numbers.values()
    }
    labels |= {g.method: row_name(g, [g]) for g in groups if g.method not in labels}
    empty = _Empty(first.table, groups, dataset)
    rows = tuple(
        tuple(
            _cell(method, label, modality, numbers.get((method, modality)), empty)
            for modality in modalities
        )
        for method, label in labels.items()
    )
    if dataset:
        paper, ours = task, dataset
        about = [f"Ours is {dataset}, not {task}: compare methods, not numbers, with the paper's."]
    else:
        paper, ours = "paper", "ours (proxy)" if task in PROXIES else "ours"
        about = [CLASS_LISTS[task]] if task in CLASS_LISTS else []
    return TaskTable(
        table=first.table,
        task=task,
        paper=paper,
        ours=ours,
        modalities=modalities,
        rows=rows,
        notes=(*about, *_notes(numbers.values(), rows)),
        fills=empty.fills([cell for row in rows for cell in row if cell.missing]),
    )


def _cell(method: str, label: str, modality: str, number: Published | None, empty: _Empty) -> Cell:
    wanted = MODALITIES[modality]
    fit = [g for g in empty.groups if g.method == method and g.modality == wanted]
    if len(fit) > 1:
        raise InputError(
            f"{fit[0].first.path} and {fit[1].first.path} are different settings of "
            f"{method}, {wanted}, and a cell of the paper's table takes one: name the runs of one "
            "of them"
        )
    cell = Cell(method, label, modality, number, fit[0] if fit else None)
    if fit:
        return cell
    cell = replace(cell, missing=empty.reason(cell))
    fill = empty.fills([cell]).get(cell.missing)
    return replace(cell, command=fill.command if fill else "")


@dataclass(frozen=True)
class _Empty:
    """Why cells of a block are empty, and what fills them.

    Args:
        table: its number.
        groups: of the block.
        dataset: that they are on, if it is not the table's.
    """

    table: str
    groups: Sequence[Group]
    dataset: str | None

    def reason(self, cell: Cell) -> str:
        """Why there is no run, of an empty cell."""
        fused = "+" in MODALITIES[cell.modality]
        return _NO_RUN if self._lacking(cell) or not fused else _NOT_FUSED

    def fills(self, cells: Sequence[Cell]) -> dict[str, Fill]:
        """What fills these empty cells, by the reason why they are empty."""
        fills = {}
        # The table's plan trains the methods that the paper has.
        lacking = [
            part
            for cell in cells
            if cell.missing == _NO_RUN and cell.published
            for part in self._lacking(cell)
        ]
        if lacking:
            sentence = f"{_NO_RUN}: fill the cells by the plan of the table:"
            if self.dataset:
                methods = ",".join(dict.fromkeys(method for method, _ in lacking))
                modalities = ",".join(dict.fromkeys(modality for _, modality in lacking))
                sentence = (
                    f"{_NO_RUN}: fill the cells by your own tcon adapt command on {self.dataset} "
                    f"with --method {methods} --modality {modalities}; on the paper's data, by the "
                    "plan of the table:"
                )
            fills[_NO_RUN] = Fill(sentence, f"tcon adapt --plan table{self.table}")
        if any(cell.missing == _NOT_FUSED for cell in cells):
            folders = dict.fromkeys(str(g.folder) for g in self.groups)
            words = ["tcon", "eval", *folders, "--table", self.table, "--fuse"]
            fills[_NOT_FUSED] = Fill(f"{_NOT_FUSED}: fill the cells by", shlex.join(words))
        return fills

    def _lacking(self, cell: Cell) -> list[tuple[str, str]]:
        """The method and each input, of those that a cell needs, without runs."""
        there = {g.modality for g in self.groups if g.method == cell.method}
        return [
            (cell.method, part)
            for part in MODALITIES[cell.modality].split("+")
            if part not in there
        ]


def _notes(numbers: Iterable[Published], rows: Sequence[Sequence[Cell]]) -> list[str]:
    numbers = list(numbers)
    backbones = ", ".join(dict.fromkeys(n.backbone for n in numbers))
    notes = [f"Paper: {backbones}; {numbers[0].source}."]
    notes += [f"Paper, {n.method}: {n.note}." for n in numbers if n.note]
    if groups := [cell.ours for row in rows for cell in row if cell.ours]:
        sizes = ", ".join(dict.fromkeys(g.segments for g in groups))
        notes.append(f"Ours: mean ± std (seeds) at the last epoch, in percent; K = {sizes}.")
    return list(dict.fromkeys([*notes, *notes_of(groups)]))
