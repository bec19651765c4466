"""The fuzz tests' own check tells a failure from a refusal."""

from __future__ import annotations

import pickle

import fuzz
import pytest
from fuzz import PICKLE, ends_well

from tcon.cache import InputError

CALLS = [token for token in PICKLE if b"detonate" in token]


@pytest.mark.parametrize("call", CALLS)
def test_a_pickle_that_calls_a_function_fails(call: bytes) -> None:
    with pytest.raises(AssertionError, match="has called a function"), ends_well():
        pickle.loads(call + b".")


@pytest.mark.slow
def test_a_hang_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "LIMIT", 1)
    with pytest.raises(AssertionError, match="no end after 1 s"), ends_well():
        while True:
            try:
                sum(range(1000))
            except Exception:
                continue


def test_much_memory_fails() -> None:
    with ends_well(memory=2**24):
        assert len(b"x" * 2**20) == 2**20
    most = fuzz.peak()
    with pytest.raises(AssertionError, match="has taken 0.. GiB"), ends_well(memory=2**24):
        filled = []
        while fuzz.peak() - most < 2**25:  # where more was taken before, that comes first
            filled.append(b"x" * 2**24)
        raise InputError("names are too long")


def test_one_clear_line_is_a_refusal_and_nothing_else() -> None:
    with ends_well():
        raise InputError("list.csv line 3 has no path: \x1b[2J is no name\n")
    with pytest.raises(AssertionError), ends_well():
        raise InputError("x" * 2000)
    with pytest.raises(KeyError), ends_well():
        raise KeyError("path")
