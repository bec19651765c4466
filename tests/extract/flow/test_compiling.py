"""Hearing of compilation."""

from __future__ import annotations

import numpy as np
from numba import njit

from tcon.extract.flow.engines.compiling import when_compiling


def test_it_is_told_once_and_only_where_something_is_compiled() -> None:
    @njit
    def double(x):
        return x + x

    told: list[bool] = []
    with when_compiling(lambda: told.append(bool(double.signatures))):
        double(1)
        double(1.0)
    assert told == [False]  # before the first of the two was compiled
    with when_compiling(lambda: told.append(True)):
        double(2)
    assert len(told) == 1
    double(np.float32(1))
    assert len(told) == 1  # nobody listens any more
