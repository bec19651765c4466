"""Damage to video files, and containers that lie."""

from __future__ import annotations

import struct
from collections.abc import Collection

import numpy as np


def overwrite(data: bytes, start: int, stop: int, *, seed: int = 0) -> bytes:
    """Random bytes in place of some."""
    noise = np.random.default_rng(seed).bytes(stop - start)
    return data[:start] + noise + data[stop:]


def announce(avi: bytes, frames: int) -> bytes:
    """Change how many frames an AVI's header says there are."""
    main = avi.index(b"avih") + 8 + 16
    stream = avi.index(b"strh") + 8 + 32
    number = struct.pack("<I", frames)
    assert avi[main : main + 4] == avi[stream : stream + 4]
    for place in (main, stream):
        avi = avi[:place] + number + avi[place + 4 :]
    return avi


def corrupt(data: bytes, seed: int) -> bytes:
    """Some damage at random: cut off, overwritten, a piece cut out, or a few bytes of the head."""
    random = np.random.default_rng(seed)
    start = int(random.integers(len(data)))
    stop = min(start + int(random.integers(1, 300)), len(data))
    kind = seed % 4
    if kind == 0:
        return data[:start]
    if kind == 1:
        return overwrite(data, start, stop, seed=seed)
    if kind == 2:
        return data[:start] + data[stop:]
    start %= 1000
    return overwrite(data, start, start + int(random.integers(1, 8)), seed=seed)


def empty_chunks(avi: bytes, frames: Collection[int]) -> bytes:
    """Empty some frames' chunks of an AVI, as recorders do that have no new picture."""
    data, index, movi = bytearray(avi), avi.index(b"idx1") + 8, avi.index(b"movi")
    for n in frames:
        row = index + 16 * n
        place, size = struct.unpack("<II", avi[row + 8 : row + 16])
        place += movi
        assert avi[place : place + 4] == b"00dc"
        struct.pack_into("<I4sI", data, place + 4, 0, b"JUNK", size - 8)
        struct.pack_into("<I", data, row + 12, 0)
    return bytes(data)
