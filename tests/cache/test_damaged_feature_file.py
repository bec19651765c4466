"""A damaged feature file ends in a clear error, or reads as a sound table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from feature_files import write_domain
from fuzz import damaged_hdf5, ends_well
from hypothesis import given
from hypothesis import strategies as st

from tcon.cache import FeatureFile, InputError
from tcon.cache.inspect import summarise, tables
from tcon.cache.schema import SPLITS


def _reversed(start: np.ndarray, count: np.ndarray) -> None:
    start[:] = start[::-1].copy()


def _negative(start: np.ndarray, count: np.ndarray) -> None:
    start[1] = -(10**12)


def _none(start: np.ndarray, count: np.ndarray) -> None:
    count[:], start[2] = (2, 4, 0), 6


def _all_none(start: np.ndarray, count: np.ndarray) -> None:
    count[:], start[:] = 0, 0


def _around(start: np.ndarray, count: np.ndarray) -> None:
    """Sums that agree in 64 bits."""
    count[:] = (2**63 - 1, 2**63 - 1, 8)
    start[:] = (0, 2**63 - 1, -2)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_reversed, r"in another order than videos, .*: those of v000\.mp4 start at 4, not at 0"),
        (_negative, r"those of v001\.mp4 start at -1000000000000, not at 2"),
        (_none, r"is damaged: the video v002\.mp4 has 0 snippets"),
        (_all_none, r"is damaged: the video v000\.mp4 has 0 snippets"),
        (_around, r"is damaged: the video v000\.mp4 has 9223372036854775807 snippets"),
    ],
)
def test_whose_the_snippets_are(
    tmp_path: Path, spoil: Callable[[np.ndarray, np.ndarray], None], said: str
) -> None:
    path = write_domain(tmp_path / "x.h5", videos=3, snippets=2)
    with h5py.File(path, "r+") as h5:
        start, count = h5["rgb/start"][()], h5["rgb/count"][()]
        spoil(start, count)
        h5["rgb/start"][...], h5["rgb/count"][...] = start, count
    with pytest.raises(InputError, match=said):
        FeatureFile(path)


@pytest.mark.parametrize("name", ["notes/of", "sums"])
def test_what_is_no_modality(tmp_path: Path, name: str) -> None:
    path = write_domain(tmp_path / "x.h5", videos=3, snippets=2)
    with h5py.File(path, "r+") as h5:
        h5[name] = [1, 2]
    said = rf"holds {name.partition('/')[0]}, which is no modality: remove it"
    with pytest.raises(InputError, match=said):
        FeatureFile(path)


@pytest.mark.parametrize("row", [(0, 12), (0,)])
def test_snippets_without_views_or_dimensions(tmp_path: Path, row: tuple[int, ...]) -> None:
    path = write_domain(tmp_path / "x.h5", videos=3, snippets=2)
    with h5py.File(path, "r+") as h5:
        del h5["rgb/features"]
        h5["rgb/features"] = np.zeros((6, *row), np.float16)
    with pytest.raises(InputError, match="is damaged: its features are float16"):
        FeatureFile(path)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "x.h5"
    return write_domain(path, videos=3, snippets=2, dim=12).read_bytes()


@given(data=st.data())
def test_damaged_feature_file(tmp_path: Path, sound: bytes, data: st.DataObject) -> None:
    path = tmp_path / "x.h5"
    path.write_bytes(data.draw(damaged_hdf5(sound)))
    with ends_well(memory=None):
        file = FeatureFile(path)
        tables(summarise(file))
        for modality in file.modalities:
            packed = file.packed(modality)
            assert packed.features.dtype == np.float16
            assert packed.features.shape[-1] == file.recipes[modality].dim
            assert len(packed.start) == len(packed.count) == len(file.videos)
            assert len(packed.frame) == len(packed.features) == packed.count.sum()
            file.sha256(modality, labels=True)
        for video in file.videos:
            assert video.id and video.split in SPLITS and video.frames >= 0
            assert type(video.frames) is int and type(video.label) is str
