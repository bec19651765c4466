"""Read a list of whatever form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...cache.common.counts import counted
from ...cache.errors import InputError, shorten, unknown
from .classes import name_labels, read_classes
from .entries.entry import Entry
from .entries.labels import known_labels
from .entries.splits import split_in_name
from .forms.epic import EPIC, entries_from_pickle
from .forms.every import FORMS, LINE_FORMS, TABLE_FORMS
from .forms.form import UNUSED, LineForm, TableForm
from .forms.lines import Line, is_comment, read_lines, whole
from .forms.rows import read_header, read_rows

_MOST = 2**31  # frames, classes


@dataclass(frozen=True)
class ReadList:
    """A list that was read.

    Args:
        form: its form's name.
        entries: its videos, in its order.
        note: one line for the user on what the list does not say by itself; "" if nothing.
    """

    form: str
    entries: list[Entry]
    note: str = ""


def read_list(
    path: str | Path,
    *,
    form: str | None = None,
    classes: str | Path | None = None,
    classes_from: int | None = None,
    trust_pickle: bool = False,
) -> ReadList:
    """Read a list of videos; its form shows by the shape of its lines.

    Args:
        path: of the list; its name matters where HMDB51 and others say class or split by it. One
            that ends in .pkl is a table of EPIC's annotations.
        form: one of `FORMS`, where the shape does not tell.
        classes: a class map (see `classes`), to have names instead of numbers as labels.
        classes_from: number of the map's first class in the list; None if it counts as the map.
        trust_pickle: that the user vouches for a list that is a pickle.

    Raises:
        InputError: no text, no video, a line that does not fit, a number too large, an unknown
            form, a number that ``classes`` does not name, or ``classes_from`` without them.
    """
    path = Path(path)
    if form is not None and form not in FORMS:
        raise unknown("list form", form, FORMS)
    if classes_from is not None and classes is None:
        raise InputError("--classes-from says how --classes FILE counts: give that too")
    chosen: LineForm | TableForm
    notes: list[str]
    if path.suffix == ".pkl":
        if form not in (None, EPIC.name):
            raise InputError(f"{path} is a pickle: its form is {EPIC.name}, not {form}")
        chosen, entries, notes = EPIC, entries_from_pickle(path, trust=trust_pickle), []
    else:
        chosen, entries, notes = _read_text(path, form)
    if not entries:
        raise InputError(f"{path} lists no videos")
    entries, said = known_labels(entries)
    notes += said
    _check(entries)
    split = split_in_name(path) if chosen.split_in_name else ""
    if split and not any(entry.split for entry in entries):
        entries = [replace(entry, split=split) for entry in entries]
        notes.append(f"split {split}, by the list's name")
    if classes is not None:
        names = read_classes(Path(classes))
        entries, note = name_labels(
            entries, names, source=path, path=Path(classes), first=classes_from
        )
        notes.append(note)
    elif all(whole(entry.label) is not None for entry in entries):
        notes.append("its labels are numbers; --classes FILE names them")
    return ReadList(chosen.name, entries, f"{path}: {'; '.join(notes)}" if notes else "")


def _read_text(path: Path, form: str | None) -> tuple[LineForm | TableForm, list[Entry], list[str]]:
    """The form of a text, its entries, and notes."""
    written = read_lines(path)
    lines = [line for line in written if not is_comment(line.text)]
    if not lines:
        raise InputError(f"{path} lists no videos")
    chosen, entries, how = _read_as(FORMS[form], path, lines) if form else _recognise(path, lines)
    notes = [how] if how else []
    if comments := len(written) - len(lines):
        notes.append(f"{counted(comments, 'line')} of comment (# ...) left out")
    if not form and isinstance(chosen, LineForm) and chosen.rivals:
        rivals = [other for other in LINE_FORMS if other.name in chosen.rivals]
        others = " or ".join(f"'{rival.line}' (--list-form {rival.name})" for rival in rivals)
        notes.append(f"its lines were read as '{chosen.line}'; they could also be {others}")
    return chosen, entries, notes


def _recognise(path: Path, lines: Sequence[Line]) -> tuple[LineForm | TableForm, list[Entry], str]:
    """The first form that every line fits, unless nearly every line fits one before it."""
    for table in TABLE_FORMS:
        if read_header(lines[0], table):
            return _read_as(table, path, lines)
    fitting, nearly = None, None
    for form in LINE_FORMS:
        entries, misfits = _fit(form, path, lines)
        if not misfits:
            fitting = form, entries
            break
        if 2 * len(misfits) < len(lines):
            nearly = nearly or (form, misfits[0])
    if nearly:
        form, line = nearly
        other = fitting and f" (if they are '{fitting[0].line}': --list-form {fitting[0].name})"
        raise InputError(
            f"{path} line {line.number} is not of the form '{form.line}', as most other lines are: "
            f"{shorten(line.text)}{other or ''}"
        )
    if fitting:
        return *fitting, ""
    raise InputError(
        f"{path} line {lines[0].number}: a csv list starts with a header that names the column "
        f"path (and, if known, label and split), not: {shorten(lines[0].text)}"
    )


def _fit(form: LineForm, path: Path, lines: Sequence[Line]) -> tuple[list[Entry], list[Line]]:
    """Entries, and the lines that are of another form; no more of these than show it."""
    entries, misfits = [], []
    for line in lines:
        try:
            entry = form.entry(line.text, path)
        except InputError as error:
            raise InputError(f"{path} line {line.number}: {error}") from None
        if entry is None:
            misfits.append(line)
            if 2 * len(misfits) > len(lines):
                break
        elif entry is not UNUSED:
            entries.append(replace(entry, line=line.number, source=str(path)))
    return entries, misfits


def _read_as(
    form: LineForm | TableForm, path: Path, lines: Sequence[Line]
) -> tuple[LineForm | TableForm, list[Entry], str]:
    if isinstance(form, TableForm):
        header = read_header(lines[0], form)
        if header is None:
            raise InputError(
                f"{path} line {lines[0].number}: a list of the form {form.name} starts with a "
                f"header that names the columns {', '.join(sorted(form.columns))}, not: "
                f"{shorten(lines[0].text)}"
            )
        return form, read_rows(form, header, path, lines[1:]), header.note
    entries, misfits = _fit(form, path, lines)
    if misfits:
        line = misfits[0]
        raise InputError(
            f"{path} line {line.number} is not of the form '{form.line}': {shorten(line.text)}"
        )
    return form, entries, ""


def _check(entries: Sequence[Entry]) -> None:
    for entry in entries:
        if not entry.name:
            raise InputError(f"{entry.where} names no video")
        first, last = entry.span or (0, 0)
        label = whole(entry.label) or 0
        too_large = [
            said
            for said, *numbers in (
                (f"{entry.frames} frames", entry.frames),
                (f"the frames {first} to {last}", first, last),
                (f"the class {label}", label),
            )
            if not all(0 <= number < _MOST for number in numbers)
        ]
        if too_large:
            raise InputError(f"{entry.where}: no video has {' and '.join(too_large)}")
        if last < first:
            raise InputError(f"{entry.where}: frame {last} is before frame {first}")
