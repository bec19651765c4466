"""``path,label,split``: the csv of this project."""

from __future__ import annotations

from collections.abc import Mapping

from ....cache.errors import InputError
from ..entries.entry import Entry
from ..entries.splits import read_split
from .form import TableForm


def _entry(row: Mapping[str, str]) -> Entry:
    if not row["path"]:
        raise InputError("the column path is empty")
    return Entry(row["path"], row.get("label", ""), read_split(row.get("split", "")))


CSV = TableForm("csv", frozenset({"path"}), _entry, optional=frozenset({"label", "split"}))
