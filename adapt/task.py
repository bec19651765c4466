"""Which classes a task has, and which of each domain's labels belong to them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..cache import InputError


@dataclass(frozen=True)
class Task:
    """Classes [C] and, per domain, the class index of each label that belongs to the task."""

    name: str
    classes: tuple[str, ...]
    source: Mapping[str, int]
    target: Mapping[str, int]

    def target_index(self, label: str) -> int | None:
        """Class index of a target label; -1 where the label is unknown, None outside the task."""
        return -1 if label == "" else self.target.get(label)


def shared_classes(source_labels: Iterable[str], target_labels: Iterable[str]) -> Task:
    """The task of all class names that both domains know; all of the source's if no target
    video is labelled.

    Raises:
        InputError: the source is unlabelled, or no name is shared.
    """
    source, target = sorted(set(source_labels) - {""}), sorted(set(target_labels) - {""})
    if not source:
        raise InputError("the source file holds no labels: extract it from a labelled list")
    classes = [name for name in source if name in target] if target else source
    if not classes:
        raise InputError(
            f"source and target share no class (source: {_some(source)}; target: {_some(target)}):"
            " map their labels with --task FILE.csv"
        )
    index = {name: n for n, name in enumerate(classes)}
    return Task("shared classes", tuple(classes), index, index)


def read_task(path: str | Path) -> Task:
    """Read a task from a csv with the columns ``class``, ``source_label``, ``target_label``.

    A cell may name several labels, separated by ``|``, or none. ``task`` names the task and
    ``class_index`` orders the classes, where given; other columns are for people.

    Raises:
        InputError: the file is missing, lacks a column, or gives a label to two classes.
    """
    path = Path(path)
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read the task {path}: {error}") from None
    missing = {"class", "source_label", "target_label"} - set(rows[0] if rows else ())
    if missing:
        raise InputError(f"task {path} lacks the columns {', '.join(sorted(missing))}")
    for number, row in enumerate(rows, start=1):
        if None in row or None in (row["class"], row["source_label"], row["target_label"]):
            raise InputError(f"task {path}: row {number} has not one cell per column")
        if not (row.get("class_index") or "0").isdecimal():
            raise InputError(f"task {path}: row {number} has the class_index {row['class_index']}")
    if all(row.get("class_index") for row in rows):
        rows.sort(key=lambda row: int(row["class_index"]))
    classes = tuple(dict.fromkeys(row["class"] for row in rows))
    maps: dict[str, dict[str, int]] = {"source_label": {}, "target_label": {}}
    for row in rows:
        for column, mapping in maps.items():
            for label in filter(None, (name.strip() for name in row[column].split("|"))):
                index = classes.index(row["class"])
                if mapping.setdefault(label, index) != index:
                    raise InputError(f"task {path}: {column} {label} belongs to two classes")
    name = rows[0].get("task") or path.stem
    return Task(name, classes, maps["source_label"], maps["target_label"])


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
