"""Class maps: the names of the numbers that a list has for labels.

``1 ApplyEyeMakeup`` (UCF101's ``classInd.txt``), ``0 climb`` (TA3N's), one name per line (Jester's
labels, mmaction2's label maps), or a csv with the columns ``id`` and ``key`` (EPIC-Kitchens).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...cache.errors import InputError, shorten
from .entries.entry import Entry
from .forms.lines import Line, cells, read_lines, whole

_NUMBERED = re.compile(r"([0-9]{1,9})[\s,;]+(\S.*)")
_COLUMNS = (("id", "key"), ("verb_id", "class_key"))


def read_classes(path: Path) -> dict[int, str]:
    """Read a class map; names alone are counted from 0.

    Raises:
        InputError: no such file, a line of another form, or a number with two names.
    """
    lines = read_lines(path)
    pairs = _table(path, lines) or _numbered(path, lines)
    classes: dict[int, str] = {}
    for line, number, name in pairs:
        if classes.setdefault(number, name) != name:
            raise InputError(
                f"{path} line {line}: class {number} is {classes[number]} and {name}: a class map "
                "has one name for each number, and --task merges classes"
            )
    return classes


def name_labels(
    entries: Sequence[Entry],
    classes: Mapping[int, str],
    *,
    source: Path,
    path: Path,
    first: int | None = None,
) -> tuple[list[Entry], str]:
    """Replace numbers by names.

    Args:
        entries: of the list ``source``.
        classes: of the class map ``path``.
        first: number of the map's first class in the list, 0 or 1; None if it counts as the map.

    Returns:
        the entries, and a note that says how.

    Raises:
        InputError: a number that the map does not have.
    """
    numbers = {entry.label: whole(entry.label) for entry in entries}
    used = {number for number in numbers.values() if number is not None}
    if not used:
        return list(entries), f"no label is a number, so {path} names none"
    base = 0 if 0 in classes else 1  # that the map counts from
    shift = 0 if first is None else base - first
    if strange := {n for n in used if n + shift not in classes}:
        entry = next(entry for entry in entries if numbers[entry.label] in strange)
        fitting = (n for n in (0, 1) if all(number + base - n in classes for number in used))
        hint = "".join(f": if the lists count from {n}, add --classes-from {n}" for n in fitting)
        raise InputError(
            f"{source} line {entry.line}: {path} names no class {entry.label}"
            f"{f' for lists from {first}' if shift else ''}; it names {min(classes)} to "
            f"{max(classes)}{hint}"
        )
    lowest = min(used)
    note = f"label {lowest} is {classes[lowest + shift]}, by {path}"
    if shift:
        note += f", which counts from {base}, not from {first} as the list"
    names = {label: classes[n + shift] for label, n in numbers.items() if n is not None}
    return [replace(e, label=names.get(e.label, e.label)) for e in entries], note


def _table(path: Path, lines: Sequence[Line]) -> list[tuple[int, int, str]]:
    """Rows of (line, number, name) under a header; none without one."""
    header = [cell.lower() for cell in lines[0].text.split(",")]
    found = [(header.index(a), header.index(b)) for a, b in _COLUMNS if {a, b} <= set(header)]
    if not found:
        return []
    (id_, key), *_ = found
    pairs = []
    for line in lines[1:]:
        row = cells(line.text)
        number = whole(row[id_]) if len(row) > max(id_, key) else None
        if number is None or not row[key]:
            raise InputError(f"{path} line {line.number} lacks the number or the name of a class")
        pairs.append((line.number, number, row[key]))
    return pairs


def _numbered(path: Path, lines: Sequence[Line]) -> list[tuple[int, int, str]]:
    """Rows of (line, number, name) of lines with or without numbers."""
    matches = [_NUMBERED.fullmatch(line.text) for line in lines]
    found = sum(map(bool, matches))
    if 2 * found <= len(lines):
        return [(line.number, index, line.text) for index, line in enumerate(lines)]
    if found < len(lines):
        line = lines[matches.index(None)]
        raise InputError(
            f"{path} line {line.number} is not of the form 'number name', as the other lines are: "
            f"{shorten(line.text)}"
        )
    return [
        (line.number, int(match[1]), match[2])
        for line, match in zip(lines, matches, strict=True)
        if match
    ]
