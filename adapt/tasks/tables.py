"""Tasks for people: those that ship, one of them, and feature files beside one.

Each function returns what is to be shown, tables and lines of text, and prints nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from ...cache.common.counts import counted
from .agreement import label_counts
from .compare import FileComparison
from .counts import DomainCount, Known, Side, dataset_of, known_count, known_total, labels_of
from .task import VERIFIED, Task, near_labels, read_task, shipped_tasks, some

Page = list[Table | Text]

_SIDES: tuple[Side, ...] = ("source", "target")
_SHOWN = 8  # labels


def list_tasks() -> Page:
    """Every task that ships: its name, classes, known sizes and how sure its list is."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("task", no_wrap=True)
    table.add_column("in papers", overflow="fold")
    for heading in ("classes", *_SIDES):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("list", no_wrap=True)
    for name in shipped_tasks():
        task = read_task(name)
        sizes = (_sizes(known_total(task, side)) for side in _SIDES)
        status = task.status.partition(";")[0]
        table.add_row(name, task.name, str(len(task.classes)), *sizes, status)
    legend = (
        "Source, target: training / held-out videos of its classes (?: unverified). List: how sure "
        "the classes are. tcon tasks NAME shows more."
    )
    return [table, Text(legend)]


def show_task(path: str | Path) -> Page:
    """The classes of a task with both domains' labels and known sizes.

    Args:
        path: a csv, or the name of a task that is shipped.

    Raises:
        InputError: as of `read_task`.
    """
    task = read_task(path)
    table = Table(title=f"{task.name}: {counted(len(task.classes), 'class')}", title_justify="left")
    table.add_column("class")
    for side in _SIDES:
        table.add_column(": ".join(filter(None, (side, dataset_of(task, side)))))
        table.add_column("videos", justify="right", no_wrap=True)
    labels = {side: labels_of(task, side) for side in _SIDES}
    for name in task.classes:
        cells = []
        for side in _SIDES:
            members = labels[side][name]
            cells += [", ".join(members), _sizes(known_count(dataset_of(task, side), members))]
        table.add_row(name, *cells)
    totals = [_sizes(known_total(task, side)) for side in _SIDES]
    table.add_section()
    table.add_row("total", "", totals[0], "", totals[1])
    page: Page = [table]
    if task.status:
        page.append(
            Text(f"Class list: {task.status}.", style="" if task.status == VERIFIED else "yellow")
        )
    for note, classes in _grouped(task.notes).items():
        of_all = len(classes) == len(task.classes)
        page.append(Text(f"{note}." if of_all else f"{', '.join(classes)}: {note}."))
    return [*page, *_origins(task)]


def show_comparison(compared: FileComparison) -> Page:
    """Both files' videos per class and split beside the known ones."""
    page: Page = []
    if compared.fitting:
        page.append(Text(f"The files have all labels of {', '.join(compared.fitting)}."))
    for side in _SIDES:
        page += _domain(compared, side)
    return [*page, *_origins(compared.task), Text(_conclusion(list(compared.counts.values())))]


def _domain(compared: FileComparison, side: Side) -> Page:
    file, count = compared.files[side], compared.counts[side]
    table = Table(title=f"{side} {file.path}", title_justify="left")
    table.add_column("class")
    for split in count.total.found:
        table.add_column(split or "(no split)", justify="right")
    table.add_column("compared")
    for each in (*count.classes, count.total):
        if each is count.total:
            table.add_section()
        table.add_row(
            each.name,
            *map(str, each.found.values()),
            each.difference or ("equal" if each.known else ""),
            style="yellow" if each.difference else None,
        )
    near = near_labels(count.lost, count.others)
    said = [f"{remark}." for remark in count.remarks]
    for label, found in near.items():
        said.append(f"no video has the label {label}: did you mean {found}?")
    if far := [label for label in count.lost if label not in near]:
        said.append(f"no video has the label {some(far, _SHOWN)}.")
    if count.others:
        videos = sum(count.others.values())
        said.append(
            f"{counted(videos, 'video')} of {counted(len(count.others), 'other label')} "
            f"{'is' if videos == 1 else 'are'} left out: {label_counts(count.others, _SHOWN)}."
        )
    if count.unlabelled:
        have = "has" if count.unlabelled == 1 else "have"
        said.append(f"{counted(count.unlabelled, 'video')} {have} no label.")
    if file.failures:
        failed = counted(len(file.failures), "video")
        said.append(f"{failed} failed: tcon inspect {file.path}")
    return [table, *(Text(f"{side}: {text}") for text in said)]


def _conclusion(counts: Sequence[DomainCount]) -> str:
    differs = any(count.differs for count in counts)
    numbers = [each for count in counts for each in (*count.classes, count.total)]
    if not any(each.known for each in numbers):
        missing = "Something" if differs else "Nothing"
        return f"{missing} is missing; how many videos there should be is not known."
    if differs:
        return "The files differ from the task."
    if any(each.difference for each in numbers):
        return "Unverified numbers alone differ."
    return "Nothing differs."


def _origins(task: Task) -> list[Text]:
    """Where the known numbers of both domains are from, once for each dataset."""
    said: dict[str, None] = {}
    for side in _SIDES:
        if known := known_total(task, side):
            unsure = "" if known.verified else f"; {known.status}: differences do not count"
            said[f"{dataset_of(task, side)}: {known.source}{unsure}."] = None
    return [Text(text) for text in said]


def _sizes(known: Known | None) -> str:
    """``840/360``; with a question mark where that is not verified."""
    if known is None:
        return ""
    return "/".join(map(str, known.videos.values())) + ("" if known.verified else "?")


def _grouped(notes: Mapping[str, str]) -> dict[str, list[str]]:
    """Classes of each note."""
    classes: dict[str, list[str]] = {}
    for name, note in notes.items():
        classes.setdefault(note, []).append(name)
    return classes
