"""Stand-ins for numpy's arrays, dtypes and scalars.

numpy's own ``__setstate__`` is never called: it trusts what it is given.
"""

from __future__ import annotations

import math
import re

import numpy as np

from .machine import Buildable, Name, Names, Refused

# Booleans, integers, floats, text, bytes, objects; no records, dates or complex numbers.
_DTYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|[US]\d{1,6}|O\d?)")
_SCALAR_BYTES = 256  # 64 characters
_DIMENSIONS = 32
_EMPTY = 10_000  # rows or columns of nothing

Raw = bytes | bytearray | memoryview | str  # content of an array


class Array:
    """An array that is made when it is asked for.

    A file can name the same bytes a million times; only what is used takes memory.

    Attributes:
        shape: of it.
        nbytes: that its numbers take; 0 for objects and text.
    """

    shape: tuple[int, ...] = ()
    nbytes: int = 0

    def numpy(self) -> np.ndarray:
        """The array; one of text is of Python's strings.

        Raises:
            ValueError: what was declared does not fit what is there.
        """
        raise Refused("has an array without content")


class Dtype(Buildable):
    """A dtype by its code, such as "f4"; its byte order comes after it."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str):  # and is not printed, which could take for ever
            raise Refused("has an array whose dtype is no text")
        if not _DTYPE.fullmatch(code):
            raise Refused(f"has an array of {ascii(code[:40])}, not of numbers, text or objects")
        self._code, self._order = code.lstrip("<>|="), "="

    def build(self, state: object) -> None:
        _, order, sub_array, names, fields = state[:5]
        if order not in ("<", ">", "|", "=") or (sub_array, names, fields) != (None, None, None):
            raise Refused("has an array of records")
        self._order = order

    def numpy(self) -> np.dtype:
        return np.dtype("O" if self._code[0] == "O" else self._order + self._code)


class NumpyArray(Array, Buildable):
    """An array of numpy, whose state is its shape, dtype, order and raw content."""

    def __init__(self, *_: object) -> None:
        self._raw: Raw | list | None = None

    def build(self, state: object) -> None:
        _, shape, dtype, fortran, raw = state
        self.fill(shape, dtype, "F" if fortran else "C", raw)

    def fill(self, shape: object, dtype: object, order: object, raw: object) -> None:
        """Take the content, once.

        Raises:
            Refused: it is not as large as the shape says.
        """
        if self._raw is not None or not isinstance(dtype, Dtype) or order not in ("C", "F"):
            raise Refused("has an array that is filled twice or of no dtype")
        self.shape = shape_of(shape)
        of_objects = dtype.numpy().kind == "O"
        if not isinstance(raw, list if of_objects else Raw):
            raise Refused(f"has an array of {dtype.numpy()} as a {type(raw).__name__}")
        size = math.prod(self.shape) * (1 if of_objects else dtype.numpy().itemsize)
        if size != len(raw) or (not size and math.prod(n or 1 for n in self.shape) > _EMPTY):
            raise Refused(f"has an array of shape {self.shape} with another size than its content")
        self._dtype, self._order, self._raw = dtype, order, raw
        self.nbytes = size if dtype.numpy().kind in "biuf" else 0

    def numpy(self) -> np.ndarray:
        if self._raw is None:
            return super().numpy()
        dtype = self._dtype.numpy()
        if dtype.kind == "O":  # listed row by row, whatever the order in memory
            values = np.fromiter(self._raw, dtype=object, count=math.prod(self.shape))
            return values.reshape(self.shape)
        values = np.frombuffer(as_bytes(self._raw), dtype=dtype)
        if dtype.kind in "US":
            texts = values.tolist()
            texts = [t.decode("latin-1") for t in texts] if dtype.kind == "S" else texts
            values = np.array(texts, dtype=object)
        return values.reshape(self.shape, order=self._order)


def shape_of(shape: object) -> tuple[int, ...]:
    """A shape, if it is one.

    Raises:
        Refused: it is not.
    """
    if not isinstance(shape, tuple) or len(shape) > _DIMENSIONS:
        raise Refused("has an array of no shape")
    if not all(type(n) is int and 0 <= n < 2**63 for n in shape):
        raise Refused("has an array of no shape")
    return shape


def as_bytes(raw: Raw) -> bytes | bytearray | memoryview:
    """Content as bytes; protocols before 3 have it as text."""
    return raw.encode("latin-1") if isinstance(raw, str) else raw


def _scalar(dtype: object, raw: object) -> object:
    """A number or text of Python for one of numpy."""
    if len(raw) > _SCALAR_BYTES:
        raise Refused("has a text too long for a name")
    array = NumpyArray()
    array.fill((), dtype, "C", raw)
    return array.numpy().item()


def _from_buffer(raw: object, dtype: object, shape: object, order: object) -> NumpyArray:
    """Arrays of protocol 5."""
    array = NumpyArray()
    array.fill(shape, dtype, order, raw)
    return array


def _encode(text: object, encoding: object) -> str:
    """Bytes in protocols before 3; they stay text until they are wanted."""
    if encoding not in ("latin1", "latin-1") or not isinstance(text, str):
        raise Refused("has bytes in another encoding than latin-1")
    return text


def _no_bytes() -> bytes:
    """Empty bytes in protocols before 3."""
    return b""


_CORE = ("numpy.core", "numpy._core")  # before numpy 2, and since
NAMES: Names = {
    ("numpy", "ndarray"): Name("numpy.ndarray"),
    ("numpy", "dtype"): Name("numpy.dtype", Dtype),
    **{(f"{core}.multiarray", "_reconstruct"): Name("_reconstruct", NumpyArray) for core in _CORE},
    **{(f"{core}.multiarray", "scalar"): Name("scalar", _scalar) for core in _CORE},
    **{(f"{core}.numeric", "_frombuffer"): Name("_frombuffer", _from_buffer) for core in _CORE},
    ("_codecs", "encode"): Name("_codecs.encode", _encode),
    ("builtins", "bytes"): Name("bytes", _no_bytes),
    ("__builtin__", "bytes"): Name("bytes", _no_bytes),
}
