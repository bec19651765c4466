"""The paper's tables with our runs beside the published numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..cache import InputError
from .published import CLASS_LISTS, MODALITIES, PROXIES, Published, published
from .summary import Group
from .tables import notes_of, row_name


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
    """

    method: str
    label: str
    modality: str
    published: Published | None
    ours: Group | None
    missing: str


@dataclass(frozen=True)
class Block:
    """One task of a table: a row per method, a column per input, published and ours.

    Args:
        table: its number.
        task: the published numbers' task.
        paper, ours: headings of both sides; the names of the datasets where they differ.
        rows: cells of each method, in the order of ``modalities``.
        modalities: as the paper calls them.
        notes: what must be said of the numbers.
        commands: that fill empty cells.
    """

    table: str
    task: str
    paper: str
    ours: str
    modalities: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]
    commands: tuple[str, ...]


def paper_blocks(table: str, groups: Sequence[Group]) -> list[Block]:
    """Fill one of the paper's tables, one block per task.

    A run belongs to a cell by its task's name, method and modality. Runs on other data stand in
    blocks of their own, beside the numbers of the table's last task.

    Args:
        table: "1" to "5".
        groups: scored.

    Raises:
        InputError: two groups fit one cell.
    """
    numbers = published(table)
    tasks = list(dict.fromkeys(number.task for number in numbers))
    own = {
        task: [g for g in groups if g.first.data["task"] in (task, *PROXIES.get(task, ()))]
        for task in tasks
    }
    known = {id(group) for members in own.values() for group in members}
    others: dict[str, list[Group]] = {}
    for group in groups:
        if id(group) not in known:
            others.setdefault(group.dataset, []).append(group)
    shown = [task for task in tasks if own[task] or task != tasks[-1] or not others]
    blocks = [_block(numbers, task, own[task], None) for task in shown]
    return blocks + [_block(numbers, tasks[-1], g, dataset) for dataset, g in others.items()]


def _block(
    table: Sequence[Published], task: str, groups: Sequence[Group], dataset: str | None
) -> Block:
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
    rows = tuple(
        tuple(
            _cell(method, label, modality, numbers.get((method, modality)), groups)
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
    return Block(
        table=first.table,
        task=task,
        paper=paper,
        ours=ours,
        modalities=modalities,
        rows=rows,
        notes=(*about, *_notes(numbers.values(), rows)),
        commands=_commands(first.table, rows, groups if dataset else ()),
    )


def _cell(
    method: str,
    label: str,
    modality: str,
    number: Published | None,
    groups: Sequence[Group],
) -> Cell:
    inputs = {g.first.config["modality"] for g in groups if g.method == method}
    wanted = MODALITIES[modality]
    fit = [g for g in groups if g.method == method and g.first.config["modality"] == wanted]
    if len(fit) > 1:
        raise InputError(
            f"--table: {fit[0].first.path} and {fit[1].first.path} are different settings of "
            f"{method}, {wanted}, and one cell takes one: name the runs of one of them"
        )
    missing = ""
    if not fit:
        missing = "no --fuse" if {"rgb", "flow"} <= inputs and "+" in wanted else "no run"
    return Cell(method, label, modality, number, fit[0] if fit else None, missing)


def _notes(numbers: Iterable[Published], rows: Sequence[Sequence[Cell]]) -> list[str]:
    numbers = list(numbers)
    backbones = ", ".join(dict.fromkeys(n.backbone for n in numbers))
    notes = [f"Paper: {backbones}; {numbers[0].source}."]
    notes += [f"Paper, {n.method}: {n.note}." for n in numbers if n.note]
    if groups := [cell.ours for row in rows for cell in row if cell.ours]:
        sizes = ", ".join(dict.fromkeys(str(g.first.config["segments"]) for g in groups))
        notes.append(f"Ours: mean ± std (seeds) at the last epoch, in percent; K = {sizes}.")
    return list(dict.fromkeys([*notes, *notes_of(groups)]))


def _commands(table: str, rows: Sequence[Sequence[Cell]], like: Sequence[Group]) -> tuple[str, ...]:
    """What fills the empty cells: the table's plan, or for other data a command as for the runs
    ``like`` those that are there."""
    empty = [cell for row in rows for cell in row if cell.missing]
    without_run = [cell for cell in empty if cell.missing == "no run"]
    commands = []
    if without_run and like:
        config, data = like[0].first.config, like[0].first.data
        methods = ",".join(dict.fromkeys(cell.method for cell in without_run))
        inputs = ",".join(
            dict.fromkeys(part for c in without_run for part in MODALITIES[c.modality].split("+"))
        )
        commands.append(
            f"no run: tcon adapt --source {data['source']} --target {data['target']} --method "
            f"{methods} --modality {inputs} --segments {config['segments']} --seeds "
            f"{len(like[0].runs)} -o {like[0].first.path.parent}, with the --task and --set of "
            "the other runs"
        )
    elif without_run:
        commands.append(
            f"no run: tcon adapt --plan table{table} (it names the commands that make its feature "
            "files)"
        )
    if len(without_run) < len(empty):
        commands.append("no --fuse: repeat tcon eval with --fuse")
    return tuple(commands)
