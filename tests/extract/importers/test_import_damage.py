"""Damaged features of every format end in a clear error or in features."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from fuzz import MEMORY, PICKLE, damaged, damaged_zip, ends_well
from hypothesis import given
from hypothesis import strategies as st
from import_files import features
from scipy.io import savemat

from tcon.extract.importers.formats.source import FeatureSource
from tcon.extract.importers.registry import open_source
from tcon.extract.importers.wanted import choose_videos

pytestmark = pytest.mark.slow


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


def _hdf5() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        h5["a/rgb"], h5["b/rgb"] = features(3), features(2)
    return file.getvalue()


def _one_video(file: io.BytesIO) -> None:
    with h5py.File(file, "w") as h5:
        h5["features"], h5["fps"] = features(3), 25.0


TABLE = {"ids": ["a", "b"], "labels": [0, 1], "features": features(5), "start": [0, 2]}
NPZ = _saved(lambda f: np.savez_compressed(f, features=features(3), fps=25.0))
T7 = _saved(partial(torch.save, torch.from_numpy(features(1)[0])))
MAT = _saved(lambda f: savemat(f, {"features": features(3), "other": {"a": [1, 2]}}))
# The file of one video, or of all: its kind, name and content.
FORMATS = {
    "t7": ("t7", "v/img_00001.t7", damaged_zip(T7, PICKLE)),
    "npy": ("npy", "v.npy", damaged(_saved(lambda f: np.save(f, features(3))))),
    "npz": ("npz", "v.npz", damaged_zip(NPZ)),
    "npz table": (
        "npz",
        "all.npz",
        damaged_zip(_saved(lambda f: np.savez(f, **TABLE, count=[2, 3]))),
    ),
    "hdf5": ("hdf5", "x.h5", damaged(_hdf5())),
    "hdf5 per video": ("hdf5", "v.h5", damaged(_saved(_one_video))),
}


def read_all(source: FeatureSource) -> None:
    """Read every video that would be imported."""
    for name in choose_videos(source).videos:
        for snippets in source.read(name).values():
            assert snippets.features.ndim == 2
            assert len(snippets.frame) == len(snippets.features)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.filterwarnings("ignore")  # of numpy and torch, about headers
@given(data=st.data())
def test_damaged_features(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    kind, name, content = FORMATS[kind]
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data.draw(content))
    with ends_well(memory=None if kind == "hdf5" else MEMORY):
        read_all(open_source(kind, file if name in ("all.npz", "x.h5") else tmp_path))


@pytest.fixture
def mat(tmp_path: Path) -> FeatureSource:
    """A folder whose file is damaged; one process reads all variants."""
    (tmp_path / "v.mat").touch()
    return open_source("mat", tmp_path)


@pytest.mark.filterwarnings("ignore")
@given(content=damaged(MAT))
def test_damaged_mat(mat: FeatureSource, content: bytes) -> None:
    (mat.path / "v.mat").write_bytes(content)
    with ends_well():
        read_all(mat)
