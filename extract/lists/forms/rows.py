"""Rows below a header that names their columns, with commas or the like between cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from ....cache.errors import InputError, shorten
from ..entries.entry import Entry
from .form import TableForm
from .lines import Line, cells

_BETWEEN = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}


@dataclass(frozen=True)
class Header:
    """The first line of a table.

    Args:
        columns: in lower case.
        delimiter: between cells: a key of `_BETWEEN`.
        unused: columns that say nothing to the form, where it has a say on all.
    """

    columns: tuple[str, ...]
    delimiter: str
    unused: tuple[str, ...]

    @property
    def note(self) -> str:
        """What was understood, where it is not the usual; "" for commas and known columns."""
        notes = []
        if self.delimiter != ",":
            columns, between = ", ".join(filter(None, self.columns)), _BETWEEN[self.delimiter]
            notes.append(f"its first line names the columns {columns}, with {between} between them")
        if self.unused:
            columns = "columns" if len(self.unused) > 1 else "column"
            notes.append(f"not used: {columns} {shorten(', '.join(self.unused))}")
        return "; ".join(notes)


def read_header(line: Line, form: TableForm) -> Header | None:
    """The header of a table of this form; None where the line is none."""
    for delimiter in _BETWEEN:
        try:
            columns = tuple(cell.lower() for cell in cells(line.text, delimiter))
        except InputError:
            continue
        if form.columns <= set(columns):
            known = {*form.columns, *form.optional, ""}
            unused = tuple(c for c in columns if c not in known) if form.optional else ()
            return Header(columns, delimiter, unused)
    return None


def read_rows(form: TableForm, header: Header, path: Path, lines: Sequence[Line]) -> list[Entry]:
    """Entries of the lines below the header.

    Raises:
        InputError: a row that makes no sense; names its line. Or a column that is there twice.
    """
    for column in sorted(form.columns | form.optional):
        if (times := header.columns.count(column)) > 1:
            raise InputError(
                f"{path}: its header names the column {column} {times} times: keep one"
            )
    entries = []
    width = len(header.columns)
    for line in lines:
        try:
            row = cells(line.text, header.delimiter)
            if any(row[width:]):
                raise InputError(
                    f"has {len(row)} cells of {width} columns: put quotes round what holds "
                    f"{_BETWEEN[header.delimiter]}: {shorten(line.text)}"
                )
            by_column = dict(zip_longest(header.columns, row[:width], fillvalue=""))
            entries.append(replace(form.entry(by_column), line=line.number, source=str(path)))
        except InputError as error:
            raise InputError(f"{path} line {line.number}: {error}") from None
    return entries
