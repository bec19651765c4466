"""Vectors of 16 floats in code that numba compiles, for kernels that LLVM does not vectorise well.

Inside of an ``@intrinsic`` a `Lanes` is what it does: arithmetic on it emits LLVM's instructions on
``<16 x float>``, which are one register of AVX-512, two of AVX2 and four of SSE or NEON. Numba can
not tell LLVM that arrays are distinct, and its vectoriser would check that, and do the columns past
the last multiple of 16 one by one, in every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import cgutils, types

LANES = 16
OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy"}
_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_FAST = ("fast",)  # what fastmath=True gives to scalars


@njit(**OPTIONS)
def padded(count):
    """A number of floats rounded up to whole `Lanes`."""
    return -(-count // LANES) * LANES


@njit(**OPTIONS)
def zeros(shape):
    """Zeros [shape] float32 that start where a `Lanes` should: loads across lines take twice."""
    count = 1
    for side in shape:
        count *= side
    memory = np.zeros(count + LANES, np.float32)
    start = -(memory.ctypes.data // 4) % LANES
    return memory[start : start + count].reshape(shape)


class Lanes:
    """16 floats, as a value of LLVM."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.builder, self.value = builder, value

    def __add__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fadd(self.value, other.value, flags=_FAST))

    def __sub__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fsub(self.value, other.value, flags=_FAST))

    def __mul__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fmul(self.value, other.value, flags=_FAST))

    def __truediv__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fdiv(self.value, other.value, flags=_FAST))

    def minimum(self, other: Lanes) -> Lanes:
        return self._choose("<", other)

    def maximum(self, other: Lanes) -> Lanes:
        return self._choose(">", other)

    def sqrt(self) -> Lanes:
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        sqrt = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.sqrt.v16f32")
        return Lanes(self.builder, self.builder.call(sqrt, [self.value], fastmath=_FAST))

    def take(self, lanes: Sequence[int]) -> Lanes:
        """These lanes of this one, at most 16."""
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))
        return Lanes(self.builder, self.builder.shuffle_vector(self.value, self.value, mask))

    def _choose(self, relation: str, other: Lanes) -> Lanes:
        mine = self.builder.fcmp_ordered(relation, self.value, other.value, flags=_FAST)
        return Lanes(self.builder, self.builder.select(mine, self.value, other.value))


def constant(builder: ir.IRBuilder, values: Sequence[float]) -> Lanes:
    """16 numbers that are known when the code is compiled."""
    return Lanes(builder, ir.Constant(_VECTOR, list(values)))


def splat(builder: ir.IRBuilder, scalar: ir.Value) -> Lanes:
    """One float in all lanes."""
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.IntType(32)(0))
    return Lanes(builder, one).take([0] * LANES)


def integer(number: int) -> ir.Value:
    """An index that is known when the code is compiled."""
    return ir.IntType(64)(number)


class Floats:
    """A float32 array of numba, whose last axis is contiguous."""

    def __init__(self, context: Any, builder: ir.IRBuilder, kind: types.Array, value: Any) -> None:
        if kind.dtype != types.float32 or kind.layout != "C":
            raise TypeError(f"needs a contiguous array of float32, not {kind}")
        self.builder = builder
        array = context.make_array(kind)(context, builder, value)
        self._data = array.data
        strides = cgutils.unpack_tuple(builder, array.strides, kind.ndim)
        self._strides = [*strides[:-1], integer(4)]  # the last one's is known: bytes of a float

    def at(self, *index: ir.Value) -> ir.Value:
        """The address of an element; its index as values of LLVM, 64 bits each."""
        b = self.builder
        offset = integer(0)
        for place, stride in zip(index, self._strides, strict=True):
            offset = b.add(offset, b.mul(place, stride))
        return cgutils.pointer_add(b, self._data, offset)

    def load(self, *index: ir.Value) -> Lanes:
        """16 floats from there on."""
        pointer = self.builder.bitcast(self.at(*index), _VECTOR.as_pointer())
        return Lanes(self.builder, self.builder.load(pointer, align=4))

    def store(self, lanes: Lanes, *index: ir.Value) -> None:
        """From there on, as many floats as there are lanes."""
        pointer = self.builder.bitcast(self.at(*index), lanes.value.type.as_pointer())
        self.builder.store(lanes.value, pointer, align=4)
