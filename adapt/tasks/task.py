"""Which classes a task has, and which of each domain's labels belong to them."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ...cache import InputError
from ...cache.common.files.regular import read_regular
from ...cache.errors import shorten, unknown
from .names import match_labels, plain_name

Side = Literal["source", "target"]
VERIFIED = "verified"  # a status
SHARED = "shared classes"  # the task of no csv
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_SHIPPED = Path(__file__).parent / "shipped"


@dataclass(frozen=True)
class Task:
    """Classes [C] and, per domain, the class index of each label that belongs to the task.

    Args:
        name: as papers write it.
        classes: names, [C].
        source, target: class index of each label.
        status: ``verified``, or what is not certain of the classes; empty where nothing is said.
        source_dataset, target_dataset: whose known counts `tcon tasks` compares; may be empty.
        notes: of classes, for people.
        numbered: whether the classes' numbers, 0 to C - 1, are given and not just their order.
        others: labels of source and target that are said to be no class.
    """

    name: str
    classes: tuple[str, ...]
    source: Mapping[str, int]
    target: Mapping[str, int]
    status: str = ""
    source_dataset: str = ""
    target_dataset: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    numbered: bool = False
    others: Mapping[Side, Collection[str]] = field(default_factory=dict)

    def labels_in(
        self, side: Side, labels: Collection[str], *, exact: bool = False
    ) -> dict[str, int]:
        """Class index of each label of a domain, and of what a file has in the place of labels.

        Lists of this very task often name the task's classes for both domains (TA3N), or number
        them (CoMix). So a label that is the name of a class, and none of the domain's own, belongs
        to that class; numbers do so where the file has no other labels. Names are compared as by
        `match_labels`.

        Args:
            side: of the task.
            labels: that the file has; "" is unknown.
            exact: compare names as they are written.
        """
        own: Mapping[str, int] = getattr(self, side)
        trained = set(own.values())  # a class without a label here has no video here
        named = {name: n for n, name in enumerate(self.classes) if n in trained}
        numbers = {str(n): n for n in trained}
        if self.numbered and set(labels) - {""} <= numbers.keys():
            named |= numbers
        no_class = dict.fromkeys(self.others.get(side, ()), -1)
        known = {**named, **no_class, **own}
        matched = match_labels(known, labels, exact=exact)
        taken = {label: known[matched[label]] for label in sorted(matched)}
        return {**own, **{label: n for label, n in taken.items() if n >= 0}}

    def of_files(
        self, source: Collection[str], target: Collection[str], *, exact: bool = False
    ) -> Task:
        """The same task for files with these labels (`labels_in`)."""
        return replace(
            self,
            source=self.labels_in("source", source, exact=exact),
            target=self.labels_in("target", target, exact=exact),
        )

    def target_index(self, label: str) -> int | None:
        """Class index of a target label; -1 where the label is unknown, None outside the task."""
        return -1 if label == "" else self.target.get(label)

    def check_source(self, shown: Collection[int | None], labels: Collection[str]) -> None:
        """Refuse classes that no source training video shows.

        Args:
            shown: class indices of the source's training videos.
            labels: of all of the source's videos.

        Raises:
            InputError: names the classes, and the labels nearest to those not found.
        """
        without = [name for index, name in enumerate(self.classes) if index not in shown]
        if not without:
            return
        lost = [label for label in self.source if label not in labels]
        unused = set(labels) - self.source.keys()
        raise InputError(
            f"no source training video shows {some(without)}{nearest(lost, unused)}: correct the "
            "task or leave the class out by --task"
        )

    def misspelt_target_labels(self, labels: Collection[str]) -> str:
        """The labels, outside the task, nearest to its target labels that no video has.

        Empty where none is near: that the target lacks a class is no mistake.
        """
        lost = [label for label in self.target if label not in labels]
        return nearest(lost, set(labels) - self.target.keys() - {""})


def shared_classes(
    source_labels: Iterable[str], target_labels: Iterable[str], *, exact: bool = False
) -> Task:
    """The task of all class names that both domains know; all of the source's if no target
    video is labelled. A class is called as in the source.

    Args:
        source_labels, target_labels: "" is unknown.
        exact: compare names as they are written, else as by `match_labels`.

    Raises:
        InputError: the source is unlabelled, or no name is shared.
    """
    source, target = sorted(set(source_labels) - {""}), sorted(set(target_labels) - {""})
    if not source:
        raise InputError("the source file holds no labels: extract it from a labelled list")
    matched = match_labels({name: n for n, name in enumerate(source)}, target, exact=exact)
    shared = set(matched.values())
    classes = [name for name in source if name in shared] if target else source
    if not classes:
        fitting = fitting_tasks(source, target, more_than=1)
        shipped = f", or choose --task {' or '.join(fitting)}" if fitting else ""
        raise InputError(
            f"source and target share no class (source: {some(source)}; target: {some(target)}):"
            f" map their labels with --task FILE.csv{shipped}; where the target's folders are no"
            " classes but cameras or days, repeat its tcon extract with --unlabelled, which drops"
            " the labels and reads no video again"
        )
    index = {name: n for n, name in enumerate(classes)}
    of_target = {label: index[name] for label, name in matched.items()} if target else index
    return Task(SHARED, tuple(classes), index, of_target)


def read_task(path: str | Path) -> Task:
    """Read a task from a csv with the columns ``class``, ``source_label``, ``target_label``.

    A cell may name several labels, separated by ``|``, or none. ``task`` names the task and
    ``class_index`` orders the classes, where given; rows where it is negative name labels that
    are no class. A class without a target label is trained and never tested. ``status``,
    ``note``, ``source_dataset`` and ``target_dataset``, where given, are what `Task` says of them;
    other columns are for people.

    Args:
        path: a csv, or the name of a task that is shipped.

    Raises:
        InputError: the file is missing, lacks a column, has a class without a name, or gives a
            label to two classes.
    """
    path = _find(path)
    rows = _read_rows(path)
    numbered = all(row.get("class_index") for row in rows)
    others = [row for row in rows if numbered and int(row["class_index"]) < 0]
    if numbered:
        rows = [row for row in rows if int(row["class_index"]) >= 0]
        rows.sort(key=lambda row: int(row["class_index"]))
    if not rows:
        raise InputError(f"task {path} names no class")
    classes = tuple(dict.fromkeys(row["class"] for row in rows))
    return Task(
        name=rows[0].get("task") or path.stem,
        classes=classes,
        source=_class_of_labels(path, rows, classes, "source_label"),
        target=_class_of_labels(path, rows, classes, "target_label"),
        status="; ".join(dict.fromkeys(row["status"] for row in rows if row.get("status"))),
        source_dataset=rows[0].get("source_dataset") or "",
        target_dataset=rows[0].get("target_dataset") or "",
        notes={row["class"]: row["note"] for row in rows if row.get("note")},
        numbered=numbered,
        others={
            "source": {label for row in others for label in _cell(row["source_label"])},
            "target": {label for row in others for label in _cell(row["target_label"])},
        },
    )


def _read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a task's csv.

    Raises:
        InputError: as `read_task` says.
    """
    try:
        rows = list(csv.DictReader(read_regular(path).decode("utf-8-sig").splitlines()))
    except OSError as error:
        raise InputError(f"cannot read the task {path}: {error.strerror}") from None
    except (ValueError, csv.Error) as error:
        raise InputError(f"cannot read the task {path}: {error}") from None
    missing = {"class", "source_label", "target_label"} - set(rows[0] if rows else ())
    if missing:
        raise InputError(f"task {path} lacks the columns {', '.join(sorted(missing))}")
    for number, row in enumerate(rows, start=1):
        if None in row or None in (row["class"], row["source_label"], row["target_label"]):
            raise InputError(f"task {path}: row {number} has not one cell per column")
        if not _NUMBER.fullmatch(given := row.get("class_index") or "0"):
            raise InputError(
                f"task {path}: row {number} has the class_index {given[:40]}: give a whole number"
            )
        if int(given) >= 0 and not row["class"].strip():
            labels = row["source_label"] or row["target_label"]
            raise InputError(f"task {path}: the row of the label '{shorten(labels)}' has no class")
    return rows


def _class_of_labels(
    path: Path, rows: Sequence[Mapping[str, str]], classes: Sequence[str], column: str
) -> dict[str, int]:
    """Class index of each label of a column.

    Raises:
        InputError: a label belongs to two classes.
    """
    found: dict[str, int] = {}
    for row in rows:
        index = classes.index(row["class"])
        for label in _cell(row[column]):
            if found.setdefault(label, index) != index:
                raise InputError(f"task {path}: {column} {label} belongs to two classes")
    return found


def shipped_tasks() -> list[str]:
    """Names of the tasks that ship with the project."""
    return sorted(file.stem for file in _SHIPPED.glob("*.csv"))


def nearest(lost: Collection[str], labels: Collection[str]) -> str:
    """``" (no video has the label X: did you mean Y?)"`` for labels with a near one, else empty."""
    near = near_labels(lost, labels).items()
    said = "; ".join(f"{label}: did you mean {found}?" for label, found in near)
    return f" (no video has the label {said})" if said else ""


def fitting_tasks(
    source: Collection[str], target: Collection[str], *, more_than: int
) -> dict[str, int]:
    """The three shipped tasks that have most of the labels on both sides, with how many.

    Args:
        source, target: labels of the files.
        more_than: of them, which a task must have.
    """
    found = {}
    for name in shipped_tasks():
        task = read_task(name)
        found[name] = min(
            len(task.source.keys() & set(source)), len(task.target.keys() & set(target))
        )
    best = sorted(found, key=lambda name: -found[name])[:3]
    return {name: found[name] for name in best if found[name] > more_than}


def near_labels(lost: Collection[str], labels: Collection[str]) -> dict[str, str]:
    """The nearest of ``labels`` for those of ``lost`` that have a near one; no number has."""
    plain = {plain_name(label): label for label in sorted(labels)}
    words = [label for label in lost if not label.isdecimal()]
    near = {label: difflib.get_close_matches(plain_name(label), plain, n=1) for label in words}
    return {label: plain[found[0]] for label, found in near.items() if found}


def some(names: Collection[str], shown: int = 4) -> str:
    """The first names, and how many more there are."""
    first, more = list(names)[:shown], len(names) - shown
    return ", ".join(first) + (f" and {more} more" if more > 0 else "")


def _cell(text: str) -> list[str]:
    """The labels of a cell."""
    return [name for name in (name.strip() for name in text.split("|")) if name]


def _find(path: str | Path) -> Path:
    """A shipped task's file, or a file; a folder may be called like a task."""
    if str(path) in shipped_tasks():
        return _SHIPPED / f"{path}.csv"
    if Path(path).suffix or (Path(path).exists() and not Path(path).is_dir()):
        return Path(path)
    raise unknown("task", str(path), shipped_tasks())
