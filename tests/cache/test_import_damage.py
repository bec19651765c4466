"""Damaged variants of every format end in a clear error or in features, never in anything else.

``FUZZ=10000`` tries that many of each.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from damage import corrupt
from import_files import features, write_t7
from scipy.io import savemat

from tcon.cache import InputError
from tcon.cache.importers.registry import open_source
from tcon.cache.importers.wanted import choose_videos

VARIANTS = int(os.environ.get("FUZZ", "200"))


def _t7(folder: Path) -> Path:
    return write_t7(folder / "v", features(1)) / "img_00001.t7"


def _npy(folder: Path) -> Path:
    np.save(folder / "v.npy", features(3))
    return folder / "v.npy"


def _npz(folder: Path) -> Path:
    np.savez_compressed(folder / "v.npz", features=features(3), fps=25.0)
    return folder / "v.npz"


def _table(folder: Path) -> Path:
    path = folder / "all.npz"
    start, count = np.array([0, 2]), np.array([2, 3])
    np.savez(path, ids=["a", "b"], labels=[0, 1], features=features(5), start=start, count=count)
    return path


def _mat(folder: Path) -> Path:
    savemat(folder / "v.mat", {"features": features(3), "other": {"a": [1, 2]}})
    return folder / "v.mat"


def _hdf5(folder: Path) -> Path:
    with h5py.File(folder / "x.h5", "w") as h5:
        h5["a/rgb"], h5["b/rgb"] = features(3), features(2)
    return folder / "x.h5"


@pytest.mark.parametrize(
    ("kind", "write", "whole"),
    [
        ("t7", _t7, False),
        ("npy", _npy, False),
        ("npz", _npz, False),
        ("npz", _table, True),
        ("mat", _mat, False),
        ("hdf5", _hdf5, True),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
@pytest.mark.filterwarnings("ignore")  # of numpy and torch, about headers
def test_damage(tmp_path: Path, kind: str, write: Callable[[Path], Path], whole: bool) -> None:
    file = write(tmp_path)
    sound, folder = file.read_bytes(), None if whole else open_source(kind, tmp_path)
    refused = 0
    for seed in range(VARIANTS):
        file.write_bytes(corrupt(sound, seed))
        try:
            source = folder or open_source(kind, file)
            for name in choose_videos(source).videos:
                for snippets in source.read(name).values():
                    assert snippets.features.ndim == 2
                    assert len(snippets.frame) == len(snippets.features)
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > VARIANTS / 4
