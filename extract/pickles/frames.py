"""Stand-ins for pandas' frames, so that they are read without pandas, of version 0.20 to 3.

A frame keeps its columns in blocks: arrays [columns, rows] of one type each, with the places of
their columns. Up to pandas 1.2 the block manager's state is plain data; since then it pickles as
a call with its blocks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .arrays import Array
from .machine import Buildable, Name, Names, Refused

_COLUMNS = 1000  # the widest annotations have 15
_CELL = (str, int, float, type(None))


class StringArray(Array, Buildable):
    """Text of pandas' own type, around an array of objects."""

    _inner: Array | None = None

    def __init__(self, *_: object) -> None:
        pass

    def build(self, state: object) -> None:
        found = [part for part in state[:2] if isinstance(part, Array)]
        if len(found) != 1 or isinstance(found[0], StringArray):
            raise Refused("has text in a form that is not known")
        self._inner, self.shape = found[0], found[0].shape

    def numpy(self) -> np.ndarray:
        return super().numpy() if self._inner is None else self._inner.numpy()


@dataclass(frozen=True)
class Index:
    """Labels of rows or columns; ``data`` is None where they are counted."""

    data: object = None
    name: object = None

    def values(self) -> np.ndarray:
        return _array(self.data).numpy()


@dataclass(frozen=True)
class Block:
    """Columns of one type: ``values`` [columns, rows], or [rows] of one; their ``places``."""

    values: object
    places: object

    def column(self, place: int, columns: int) -> np.ndarray | None:
        """The column at a place of the frame, [rows], or None if another block has it."""
        if isinstance(self.places, slice):
            places = range(*self.places.indices(columns))
        elif math.prod(_array(self.places).shape) <= columns:
            places = _array(self.places).numpy().tolist()
        else:
            raise Refused("has a frame with more places than columns")
        if place not in places:
            return None
        values = _array(self.values).numpy()  # [columns, rows] or [rows]
        return values if values.ndim == 1 else values[places.index(place)]


class Manager(Buildable):
    """What holds a frame's blocks and its two axes: of columns, and of rows."""

    def __init__(self, blocks: object = (), axes: object = (), *_: object) -> None:
        self._blocks, self._axes = blocks, axes

    def build(self, state: object) -> None:
        state = state[3]["0.14.1"]  # the version of pandas that began it
        self._blocks, self._axes = state["blocks"], state["axes"]

    def axis(self, number: int) -> Index:
        """The labels of the columns, 0, or of the rows, 1."""
        if len(self._axes) != 2 or not isinstance(self._axes[number], Index):
            raise Refused("has a frame whose rows or columns are labelled in another way")
        return self._axes[number]

    def column(self, place: int, columns: int) -> np.ndarray:
        """The column at a place, [rows]."""
        if columns > _COLUMNS or len(self._blocks) > columns:
            raise Refused(f"has a frame of {columns} columns in {len(self._blocks)} blocks")
        for block in self._blocks:
            if isinstance(block, dict):  # before pandas 1.3
                block = Block(block["values"], block["mgr_locs"])
            if not isinstance(block, Block):
                raise Refused("has a frame in a form that is not known")
            if (values := block.column(place, columns)) is not None:
                return values
        raise Refused(f"has a frame that lacks its column {place}")


class Frame(Buildable):
    """A table of pandas."""

    def __init__(self) -> None:
        self._manager = Manager()

    def build(self, state: object) -> None:
        manager = state["_mgr" if "_mgr" in state else "_data"]  # before pandas 1.1
        if not isinstance(manager, Manager):
            raise Refused("has a frame in a form that is not known")
        self._manager = manager

    def columns(self, names: tuple[str, ...]) -> dict[str, list]:
        """Those of the named columns that it has; its index is one by its name.

        Args:
            names: of columns whose cells are text, numbers or None.

        Raises:
            Exception: of any kind, for a damaged frame; `Refused` where it can be said why.
        """
        present = self._manager.axis(0).values().tolist()
        index = self._manager.axis(1)
        found = {
            name: self._manager.column(present.index(name), len(present))
            for name in names
            if name in present
        }
        if index.name in names and index.name not in found:
            found[index.name] = index.values()
        if any(values.ndim != 1 for values in found.values()):
            raise Refused("has columns that are no columns")
        cells = {name: values.tolist() for name, values in found.items()}
        if not all(isinstance(cell, _CELL) for column in cells.values() for cell in column):
            raise Refused("has cells that are neither text nor numbers")
        return cells


def _array(value: object) -> Array:
    if not isinstance(value, Array):
        raise Refused(f"has a {type(value).__name__} where a frame has an array")
    return value


def _new_index(cls: object, state: Mapping[str, object]) -> Index:
    return Index(state.get("data"), state.get("name"))


def _block(values: object, places: object, *_: object) -> Block:
    return Block(values, places)


class _PartialBlock(Name, Buildable):
    """``partial(new_block, ndim=2)`` of pandas 1.3; its state repeats what it is of."""

    def build(self, state: object) -> None:
        if state[:2] != (_NEW_BLOCK, ()):
            raise Refused("has a partial call of something else than a block")


_NEW_BLOCK = Name("new_block", _block)


def _partial(function: object) -> _PartialBlock:
    if function is not _NEW_BLOCK:
        raise Refused("has a partial call of something else than a block")
    return _PartialBlock(_NEW_BLOCK.name, _block)


def _text_kind(*_: object) -> None:
    """Which kind of text a `StringArray` is of; all are read alike."""


def _slice(*bounds: object) -> slice:
    if not all(n is None or type(n) is int for n in bounds):
        raise Refused("has a slice of something else than numbers")
    return slice(*bounds)


def _reconstructor(cls: object, base: object, state: object) -> object:
    """How protocols 0 and 1 make an object."""
    if not isinstance(cls, Name) or state is not None:
        raise Refused("has an object in a form that is not known")
    return cls()


_FRAME = Name("DataFrame", Frame)
_MANAGER = Name("BlockManager", Manager)
NAMES: Names = {
    ("pandas.core.frame", "DataFrame"): _FRAME,
    ("pandas", "DataFrame"): _FRAME,  # since 3.0
    ("pandas.core.internals", "BlockManager"): _MANAGER,  # before 0.24
    ("pandas.core.internals.managers", "BlockManager"): _MANAGER,
    ("pandas.core.internals.blocks", "new_block"): _NEW_BLOCK,  # 1.3
    ("functools", "partial"): Name("partial", _partial),  # of new_block alone
    ("pandas._libs.internals", "_unpickle_block"): Name("_unpickle_block", _block),  # since 1.4
    ("pandas.core.indexes.base", "_new_Index"): Name("_new_Index", _new_index),
    ("pandas.core.indexes.base", "Index"): Name("Index"),
    ("pandas", "Index"): Name("Index"),  # since 3.0
    ("pandas.core.indexes.numeric", "Int64Index"): Name("Int64Index"),  # before 2.0
    ("pandas.core.indexes.range", "RangeIndex"): Name("RangeIndex"),
    ("pandas", "RangeIndex"): Name("RangeIndex"),  # since 3.0
    ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"): Name("text", StringArray),
    ("pandas.arrays", "StringArray"): Name("StringArray"),
    ("pandas", "StringDtype"): Name("StringDtype", _text_kind),
    ("builtins", "slice"): Name("slice", _slice),
    ("__builtin__", "slice"): Name("slice", _slice),  # before protocol 3
    ("builtins", "object"): Name("object"),
    ("__builtin__", "object"): Name("object"),
    ("copyreg", "_reconstructor"): Name("_reconstructor", _reconstructor),
    ("copy_reg", "_reconstructor"): Name("_reconstructor", _reconstructor),
}
