"""Stand-ins for pandas' tables, so that those of pandas 0.20 to 3 are read without pandas.

A frame keeps its columns in blocks: arrays [columns, rows] of one type each, with the places of
their columns. Up to pandas 1.2 the block manager's state is plain data; since then it pickles as
a call with its blocks. Pandas' own classes are not used: they write where the places say, in the
table or outside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...cache.common.short import short_repr
from .arrays import Array
from .unpickler import Buildable, Names, Refused

_COLUMNS = 1000  # the widest annotations have 15
_UNKNOWN = "has a table in an unknown format"


class StringArray(Array, Buildable):
    """Text of pandas' own type, around an array of objects."""

    _inner: Array | None = None

    def __init__(self, *_: object) -> None:
        pass

    def build(self, state: object) -> None:
        parts = state[:2] if isinstance(state, tuple) else ()
        found = [part for part in parts if isinstance(part, Array)]
        if len(found) != 1 or isinstance(found[0], StringArray):
            raise Refused("has text in an unknown format")
        self._inner, self.shape = found[0], found[0].shape

    def numpy(self) -> np.ndarray:
        return super().numpy() if self._inner is None else self._inner.numpy()


@dataclass(frozen=True)
class Index:
    """Labels of rows or columns; ``data`` is None where they are counted."""

    data: object = None
    name: object = None


@dataclass(frozen=True)
class Block:
    """Columns of one type: ``values`` [columns, rows], or [rows] of one; their ``places``."""

    values: object
    places: object

    __repr__ = short_repr

    def column(self, place: int, columns: int) -> np.ndarray | None:
        """The column at a place of the table, [rows], or None if another block has it."""
        places: list[int] | range
        if isinstance(self.places, slice):
            places = range(*self.places.indices(columns))
        elif math.prod(_array(self.places).shape) <= columns:
            places = _array(self.places).numpy().tolist()
        else:
            raise Refused("has a table with more places than columns")
        if place not in places:
            return None
        values = _array(self.values).numpy()  # [columns, rows] or [rows]
        return values if values.ndim == 1 else values[places.index(place)]


class Manager(Buildable):
    """What holds a table's blocks and its two axes: of columns, and of rows."""

    def __init__(self, blocks: object = (), axes: object = (), *_: object) -> None:
        self.blocks, self.axes = blocks, axes

    def build(self, state: object) -> None:
        named = state[3] if isinstance(state, tuple) and len(state) > 3 else None
        if not isinstance(named, dict) or not isinstance(named.get("0.14.1"), dict):
            raise Refused(_UNKNOWN)
        named = named["0.14.1"]  # the version of pandas that began this form
        self.blocks, self.axes = named.get("blocks"), named.get("axes")


class Frame(Buildable):
    """A table of pandas."""

    def __init__(self) -> None:
        self._manager = Manager()

    def build(self, state: object) -> None:
        if not isinstance(state, dict):
            raise Refused(_UNKNOWN)
        manager = state.get("_mgr", state.get("_data"))  # since pandas 1.1, and before
        if not isinstance(manager, Manager):
            raise Refused(_UNKNOWN)
        self._manager = manager

    def columns(self, names: tuple[str, ...]) -> dict[str, list]:
        """Those of the named columns that it has; its index is one by its name.

        Args:
            names: of columns whose cells are text, numbers or None.

        Raises:
            Exception: of any kind, for a damaged table; `Refused` where it can be said why.
        """
        axes, blocks = self._manager.axes, self._manager.blocks
        if not isinstance(axes, list | tuple) or not isinstance(blocks, list | tuple):
            raise Refused(_UNKNOWN)
        if len(axes) != 2 or not all(isinstance(axis, Index) for axis in axes):
            raise Refused("has a table whose rows or columns are labelled in another way")
        present, index = _array(axes[0].data).numpy().tolist(), axes[1]
        if len(present) > _COLUMNS or len(blocks) > len(present):
            raise Refused(f"has a table of {len(present)} columns in {len(blocks)} blocks")
        found = {n: _column(blocks, present.index(n), len(present)) for n in names if n in present}
        if index.name in names and index.name not in found:
            found[index.name] = _array(index.data).numpy()
        if any(values.ndim != 1 for values in found.values()):
            raise Refused("has columns of more than one dimension")
        cells = {name: values.tolist() for name, values in found.items()}
        if not all(
            isinstance(cell, str | int | float | None)
            for column in cells.values()
            for cell in column
        ):
            raise Refused("has cells that are neither text nor numbers")
        return cells


def _column(blocks: list | tuple, place: int, columns: int) -> np.ndarray:
    """The column at a place, [rows]."""
    for block in blocks:
        if isinstance(block, dict):  # before pandas 1.3
            block = Block(block["values"], block["mgr_locs"])
        if not isinstance(block, Block):
            raise Refused(_UNKNOWN)
        if (values := block.column(place, columns)) is not None:
            return values
    raise Refused(f"has a table that lacks its column {place}")


def _array(value: object) -> Array:
    if not isinstance(value, Array):
        raise Refused(f"has a {type(value).__name__} where a table has an array")
    return value


def _new_index(cls: object, state: object) -> Index:
    if not isinstance(state, Mapping):
        raise Refused("has labels in an unknown format")
    return Index(state.get("data"), state.get("name"))


def _block(values: object, places: object, *_: object) -> Block:
    return Block(values, places)


class _PartialBlock(Buildable):
    """``partial(new_block, ndim=2)`` of pandas 1.3; its state repeats what it is of."""

    def __init__(self, function: object) -> None:
        if function is not _block:
            raise Refused("has a partial call of something else than a block")

    def build(self, state: object) -> None:
        if not isinstance(state, tuple) or state[0] is not _block or state[1] != ():
            raise Refused("has a partial call of something else than a block")

    def __call__(self, values: object, places: object) -> Block:
        return Block(values, places)


def _text_kind(*_: object) -> None:
    """Which kind of text a `StringArray` is of; all are read alike."""


def _slice(*bounds: object) -> slice:
    if not all(n is None or type(n) is int for n in bounds):
        raise Refused("has a slice of something else than numbers")
    return slice(*bounds)


def _reconstructor(cls: object, base: object, state: object) -> object:
    """How protocols 0 and 1 make an object."""
    if state is not None:
        raise Refused("has an object in an unknown format")
    if cls is Frame:
        return Frame()
    if cls is Manager:
        return Manager()
    raise Refused("makes an object of another class than a table's")


NAMES: Names = {
    ("pandas.core.frame", "DataFrame"): Frame,
    ("pandas", "DataFrame"): Frame,  # since 3.0
    ("pandas.core.internals", "BlockManager"): Manager,  # before 0.24
    ("pandas.core.internals.managers", "BlockManager"): Manager,
    ("pandas.core.internals.blocks", "new_block"): _block,  # 1.3
    ("functools", "partial"): _PartialBlock,  # of new_block alone
    ("pandas._libs.internals", "_unpickle_block"): _block,  # since 1.4
    ("pandas.core.indexes.base", "_new_Index"): _new_index,
    ("pandas.core.indexes.base", "Index"): "Index",
    ("pandas", "Index"): "Index",  # since 3.0
    ("pandas.core.indexes.numeric", "Int64Index"): "Int64Index",  # before 2.0
    ("pandas.core.indexes.range", "RangeIndex"): "RangeIndex",
    ("pandas", "RangeIndex"): "RangeIndex",  # since 3.0
    ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"): StringArray,
    ("pandas.arrays", "StringArray"): "StringArray",
    ("pandas", "StringDtype"): _text_kind,
    ("builtins", "slice"): _slice,
    ("__builtin__", "slice"): _slice,  # before protocol 3
    ("builtins", "object"): "object",
    ("__builtin__", "object"): "object",
    ("copyreg", "_reconstructor"): _reconstructor,
    ("copy_reg", "_reconstructor"): _reconstructor,
}
