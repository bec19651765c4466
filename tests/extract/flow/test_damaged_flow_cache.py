"""A damaged file of a flow cache is named in a line, by whoever opens the cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
from fuzz import FEWER, damaged_hdf5, ends_well
from hypothesis import given
from hypothesis import strategies as st

from tcon.cache import InputError
from tcon.cache.recipe import FlowRecipe
from tcon.extract.decoding import DecodeError
from tcon.extract.flow.cache import FlowCache
from tcon.extract.flow.cache_file import early_stopped

FLOW = FlowRecipe()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The one file of a cache."""
    cache = FlowCache.extend(tmp_path / "flow", FLOW, 10**9)
    with cache.writing("v", "gone.mp4") as writer:
        for n in range(2):
            writer.add(np.full((2, 256, 340), n, np.uint8), early_stopped=False)
    (path,) = cache.folder.glob("*.h5")
    return path


def openings(path: Path) -> list[Callable[[], object]]:
    """The ways in which commands come to read the file."""

    def read() -> None:
        with FlowCache(path.parent, FLOW).reading("v") as h5:
            assert h5["levels"][0].shape == (2, 256, 340)
            assert early_stopped(h5).dtype == bool

    return [
        lambda: FlowCache.flow_of(path.parent),
        lambda: FlowCache.open(path.parent, FLOW),
        lambda: FlowCache.extend(path.parent, FLOW, 10**9),
        lambda: FlowCache(path.parent, FLOW).is_of("v", "gone.mp4", lambda: 3),
        read,
    ]


def without(*names: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with h5py.File(path, "r+") as h5:
            for name in names:
                del (h5.attrs if name in h5.attrs else h5)[name]

    return damage


def with_attribute(name: str, value: object) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with h5py.File(path, "r+") as h5:
            h5.attrs[name] = value

    return damage


def with_levels(value: object) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with h5py.File(path, "r+") as h5:
            del h5["levels"]
            if value is None:
                h5.create_group("levels")
            else:
                h5["levels"] = value

    return damage


def in_its_place(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        *(without(name) for name in ("recipe", "format", "format_version", "levels")),
        without("early_stopped"),
        *(with_attribute("recipe", text) for text in ("", "{", "\xff", "[" * 50_000, 5)),
        *(with_attribute("format_version", value) for value in ("3", 99, [1, 2], 1.5)),
        *(with_attribute("format", value) for value in ("x\x1b[2J", 1, np.zeros(3))),
        with_attribute("fingerprint", 5),
        with_levels(None),
        *(with_levels(np.zeros(shape, np.uint8)) for shape in ((), (2,), (2, 2, 2, 2))),
        with_levels(np.zeros((2, 2, 256, 340), np.float32)),
        with_levels(h5py.ExternalLink("/etc/passwd", "/levels")),
        lambda path: os.truncate(path, 3000),
        lambda path: path.write_bytes(b""),
        in_its_place(os.mkfifo),
        in_its_place(Path.mkdir),
    ],
)
def test_it_is_a_line_that_names_the_file(file: Path, damage: Callable[[Path], None]) -> None:
    damage(file)
    for use in openings(file):
        with pytest.raises((InputError, DecodeError)) as caught:
            use()
        assert str(file) in str(caught.value)


@FEWER
@given(data=st.data())
def test_any_damage(file: Path, data: st.DataObject) -> None:
    sound = file.read_bytes()
    file.write_bytes(data.draw(damaged_hdf5(sound)))
    try:
        for use in openings(file):
            with ends_well(memory=None), suppress(DecodeError):
                use()
    finally:
        file.write_bytes(sound)
