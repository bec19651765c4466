"""Hearing of compilation."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from numba.core import caching, config

from tcon.extract.flow.engines.compiling import compiled, when_compiling


def add(x, y):
    return x + y


def test_it_is_told_once_and_only_where_something_is_compiled() -> None:
    @njit
    def double(x):
        return x + x

    told: list[bool] = []
    with when_compiling(lambda kept: told.append(kept or bool(double.signatures))):
        double(1)
        double(1.0)
    assert told == [False]  # before the first of the two was compiled
    with when_compiling(lambda kept: told.append(True)):
        double(2)
    assert len(told) == 1
    double(np.float32(1))
    assert len(told) == 1  # nobody listens any more


def test_it_is_compiled_where_no_cache_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    kept: list[bool] = []
    with when_compiling(kept.append):
        assert compiled(add)(1, 2) == 3
    assert kept == [False]


def test_a_full_or_damaged_cache_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    kept: list[bool] = []
    with when_compiling(kept.append):
        assert compiled(add)(1, 2) == 3
    assert kept == [True]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        path.write_bytes(b"damaged")
    assert compiled(add)(1, 2) == 3

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.Cache, "save_overload", full)
    assert compiled(add)(1.0, 2.0) == 3
