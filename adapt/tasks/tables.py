"""Tasks for people: those that ship, one of them, and feature files beside one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ...cache import FeatureFile
from .counts import (
    DomainCount,
    Known,
    Side,
    count_domain,
    dataset_of,
    known_count,
    known_total,
    labels_of,
)
from .task import VERIFIED, Task, near_labels, read_task, shared_classes, shipped_tasks, some

_SIDES: tuple[Side, ...] = ("source", "target")
_SHOWN = 8  # labels


def list_tasks() -> None:
    """Print every task that ships: its name, classes, known sizes and how sure its list is."""
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
    console = _console()
    console.print(table)
    console.print(
        "Source, target: training / held-out videos of its classes (?: unverified). List: how sure "
        "the classes are. tcon tasks NAME shows more."
    )


def show_task(path: str | Path) -> None:
    """Print the classes of a task with both domains' labels and known sizes.

    Args:
        path: a csv, or the name of a task that is shipped.

    Raises:
        InputError: as of `read_task`.
    """
    task, console = read_task(path), _console()
    table = Table(title=f"{task.name}: {len(task.classes)} classes", title_justify="left")
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
    console.print(table)
    if task.status:
        style = None if task.status == VERIFIED else "yellow"
        console.print(f"Class list: {task.status}.", style=style)
    for note, classes in _grouped(task.notes).items():
        of_all = len(classes) == len(task.classes)
        console.print(f"{note}." if of_all else f"{', '.join(classes)}: {note}.")
    _say_origins(console, task)


def check_files(path: str | Path | None, source: Path, target: Path) -> bool:
    """Print both files' videos per class and split beside the known ones.

    Args:
        path: a csv or a shipped task's name; None for the class names that both files share.
        source, target: feature files.

    Returns:
        whether something is missing, moved or more than is known.

    Raises:
        InputError: a file cannot be read, the task is wrong, or no class is shared.
    """
    console = _console()
    files = {"source": FeatureFile(source), "target": FeatureFile(target)}
    if path:
        task = read_task(path)
    else:
        labels = [{video.label for video in file.videos} for file in files.values()]
        if fitting := [name for name in shipped_tasks() if _fits(read_task(name), *labels)]:
            console.print(f"The files have all labels of {', '.join(fitting)}.")
        task = shared_classes(*labels)
    counts = [count_domain(task, side, files[side].videos) for side in _SIDES]
    for side, count in zip(_SIDES, counts, strict=True):
        _print_domain(console, side, files[side], count)
    _say_origins(console, task)
    console.print(_conclusion(counts))
    return any(count.differs for count in counts)


def _print_domain(console: Console, side: Side, file: FeatureFile, count: DomainCount) -> None:
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
    console.print(table)
    for remark in count.remarks:
        console.print(f"{side}: {remark}.")
    near = near_labels(count.lost, count.others)
    for label, found in near.items():
        console.print(f"{side}: no video has the label {label}: did you mean {found}?")
    if far := [label for label in count.lost if label not in near]:
        console.print(f"{side}: no video has the label {some(far, _SHOWN)}.")
    if count.others:
        videos = sum(count.others.values())
        console.print(f"{side}: {videos} videos have other labels: {some(count.others, _SHOWN)}.")
    if count.unlabelled:
        console.print(f"{side}: {count.unlabelled} videos have no label.")
    if file.failures:
        console.print(f"{side}: {len(file.failures)} videos failed: tcon inspect {file.path}")


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


def _say_origins(console: Console, task: Task) -> None:
    """Where the known numbers of both domains are from, once for each dataset."""
    said: dict[str, None] = {}
    for side in _SIDES:
        if known := known_total(task, side):
            unsure = "" if known.verified else f"; {known.status}: differences do not count"
            said[f"{dataset_of(task, side)}: {known.source}{unsure}."] = None
    for text in said:
        console.print(text)


def _sizes(known: Known | None) -> str:
    """``840/360``; with a question mark where that is not verified."""
    if known is None:
        return ""
    return "/".join(map(str, known.videos.values())) + ("" if known.verified else "?")


def _fits(task: Task, source_labels: set[str], target_labels: set[str]) -> bool:
    return task.source.keys() <= source_labels and task.target.keys() <= target_labels


def _grouped(notes: Mapping[str, str]) -> dict[str, list[str]]:
    """Classes of each note."""
    classes: dict[str, list[str]] = {}
    for name, note in notes.items():
        classes.setdefault(note, []).append(name)
    return classes


def _console() -> Console:
    return Console(highlight=False, markup=False)
