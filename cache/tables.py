"""Rows of dataclasses as a group of columns, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import h5py
import numpy as np

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")
_DTYPES = {"str": h5py.string_dtype(), "int": np.int64, "float": np.float64}  # in the file
_TYPES = {**_DTYPES, "str": object}  # as they are read


def write_table(h5: h5py.File, name: str, rows: Sequence[Row], row_type: type[Row]) -> None:
    """Write one dataset per field of the dataclass ``row_type``."""
    group = h5.create_group(name)
    for f in fields(row_type):
        values = [getattr(row, f.name) for row in rows]
        group.create_dataset(f.name, data=np.array(values, dtype=_DTYPES[str(f.type)]))


def read_table(
    h5: h5py.File,
    name: str,
    row_type: type[Row],
    *,
    old_names: Mapping[str, str] = MappingProxyType({}),
) -> list[Row]:
    """Read what `write_table` wrote; a field that an older file lacks has its default.

    Args:
        h5: the file.
        name: of the group.
        row_type: a dataclass.
        old_names: what fields were called in older files.

    Raises:
        Exception: of any kind, for a damaged table.
    """
    columns: list[Any] = []
    group = h5[name]
    for f in fields(row_type):
        stored = f.name if f.name in group else old_names.get(f.name, f.name)
        if stored not in group and f.default is not MISSING:
            columns.append([f.default] * len(columns[0]))
        else:
            column = group[stored].asstr() if f.type == "str" else group[stored]
            columns.append(column[()].astype(_TYPES[str(f.type)], casting="same_kind"))
    return [
        row_type(*(v.item() if isinstance(v, np.generic) else v for v in row))
        for row in zip(*columns, strict=True)
    ]
