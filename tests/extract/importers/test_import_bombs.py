"""Files that declare more than they hold, reach elsewhere, or never end."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from import_files import features, write_t7
from scipy.io import savemat

from tcon.cache import InputError
from tcon.extract.importers.formats import arrays
from tcon.extract.importers.formats.files import files_of
from tcon.extract.importers.formats.mat import read_mat
from tcon.extract.importers.registry import open_source


def test_one_number_expanded_to_many(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    torch.save(torch.zeros(1).expand(10**12), tmp_path / "v" / "img_00001.t7")
    with pytest.raises(InputError, match="declares 1000000000000 numbers, more than it holds"):
        open_source("t7", tmp_path).read("v")


def test_archives_that_torch_would_inflate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_t7(tmp_path / "v", features(1)) / "img_00001.t7"
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content + bytes(10**6 if name.endswith("/data/0") else 0))
    assert file.stat().st_size < 5000
    monkeypatch.setattr(torch, "load", None)  # which would inflate it
    with pytest.raises(InputError, match=r"img_00001.t7 declares 100\d{4} bytes in a file of"):
        open_source("t7", tmp_path).read("v")


def test_hdf5_dataset_that_was_never_written(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as h5:
        h5.create_dataset("v", (10**6, 10**3), "f4", chunks=(10**3, 10**3))
    for path, video in ((tmp_path / "x.h5", "v"), (tmp_path, "x")):
        with pytest.raises(InputError, match="v declares 3.725 GiB, and .* at most 1"):
            open_source("hdf5", path).read(video)


def test_mat_beyond_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    savemat(tmp_path / "v.mat", {"features": np.zeros((100, 10))}, do_compression=True)
    assert (tmp_path / "v.mat").stat().st_size < 1000
    monkeypatch.setattr(arrays, "MOST_BYTES", 7999)
    with pytest.raises(InputError, match="v.mat declares"):
        read_mat(tmp_path / "v.mat")  # a process of its own would not see the lower limit


def test_a_frame_for_each_of_many_snippets(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros((2**24 + 1, 1), "u1"))
    with pytest.raises(InputError, match="v.npy has 16777217 snippets, and a video at most"):
        open_source("npy", tmp_path).read("v")


def _external(h5: h5py.File, secret: Path) -> None:
    h5.create_dataset("v", (8, 8), "u1", external=[(str(secret), 0, 64)])


def _virtual(h5: h5py.File, secret: Path) -> None:
    layout = h5py.VirtualLayout((2, 2), "f4")
    layout[...] = h5py.VirtualSource(secret, "secret", (2, 2))
    h5.create_virtual_dataset("v", layout)


@pytest.mark.parametrize("write", [_external, _virtual])
def test_hdf5_datasets_in_other_files(
    tmp_path: Path, write: Callable[[h5py.File, Path], None]
) -> None:
    os.mkfifo(tmp_path / "secret")  # who opens it waits for ever
    with h5py.File(tmp_path / "x.h5", "w") as h5:
        h5["a"] = features(2)
        write(h5, tmp_path / "secret")
    with pytest.raises(InputError, match="keeps v in other files"):
        open_source("hdf5", tmp_path / "x.h5")
    with pytest.raises(InputError, match="x.h5 keeps v in other files"):
        open_source("hdf5", tmp_path).read("x")


@pytest.mark.parametrize("kind", ["t7", "npy", "npz", "mat", "hdf5"])
def test_pipes_and_links_to_folders(tmp_path: Path, kind: str) -> None:
    here = tmp_path / "here"
    write_t7(tmp_path / "else" / "v", features(2))
    for suffix in ("npy", "npz", "mat", "hdf5"):
        (tmp_path / "else" / f"v.{suffix}").touch()
    here.mkdir()
    (here / "around").symlink_to(here)
    os.mkfifo(here / f"pipe.{kind}")
    with pytest.raises(InputError, match=r"holds no|give the one above"):
        open_source(kind, here)
    if kind != "t7":
        (here / "linked").symlink_to(tmp_path / "else")
        (here / "twice").symlink_to(tmp_path / "else")
        (here / f"gone.{kind}").symlink_to(tmp_path / "nowhere")
        assert set(files_of(here, f".{kind}")) == {"linked/v", "gone"}
    else:
        write_t7(here / "w", features(1))
        os.mkfifo(here / "w" / "img_00002.t7")
        (here / "pipe.t7").unlink()
        (here / "linked").symlink_to(tmp_path / "else")
        (here / "twice").symlink_to(tmp_path / "else")
        source = open_source(kind, here)
        assert list(source.names()) == ["w", "linked/v"]
        assert len(source.read("w")[""].frame) == 1
