"""A damaged feature file ends in a clear error, or reads as a sound table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from feature_files import write_domain
from fuzz import damaged_hdf5, ends_well
from hypothesis import given
from hypothesis import strategies as st

from tcon.cache import FeatureFile
from tcon.cache.inspect import summarise, tables
from tcon.cache.schema import SPLITS


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
