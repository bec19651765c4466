"""What a form of list is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..entries.entry import Entry

# The entry of a line that says that its video does not count.
UNUSED = Entry("")


@dataclass(frozen=True)
class LineForm:
    """Lines without a header.

    Args:
        name: that forces this form.
        line: what a line looks like, for people.
        entry: of a line of the list at a path; None for a line of another form. It raises
            InputError where it makes no sense in any.
        rivals: names of the forms that its lines can have as well.
        split_in_name: whether the list's own name tells the split.
    """

    name: str
    line: str
    entry: Callable[[str, Path], Entry | None]
    rivals: tuple[str, ...] = ()
    split_in_name: bool = True


@dataclass(frozen=True)
class TableForm:
    """Rows below a header that names their columns, with commas or the like between cells.

    Args:
        name: that forces this form.
        columns: that the header must name, in lower case.
        optional: further columns that the form reads; any others are noted as not used. Empty for a
            form whose other columns do not matter.
        entry: of a row, its cells by column. It raises InputError where they make no sense.
        split_in_name: whether the list's own name tells the split, where no row does.
    """

    name: str
    columns: frozenset[str]
    entry: Callable[[Mapping[str, str]], Entry]
    optional: frozenset[str] = frozenset()
    split_in_name: bool = False
