"""Each format, written as documented, is read to the exact videos, features and frames."""

from __future__ import annotations

import struct
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from feature_files import write_domain
from import_files import features, write_t7
from scipy.io import savemat

from tcon.cache import InputError
from tcon.extract.importers.formats import arrays
from tcon.extract.importers.formats.source import UNNAMED
from tcon.extract.importers.registry import open_source, recognise
from tcon.extract.lists import Entry

A, B = features(3, 1), features(5, 2)


def read(kind: str, path: Path, **options: str) -> dict[str, dict[str, tuple[list, list]]]:
    """All features and frames, as lists, by name and modality."""
    source = open_source(kind, path, **options)
    return {
        name: {m: (s.features.tolist(), s.frame.tolist()) for m, s in source.read(name).items()}
        for name in source.names()
    }


def rows(array: np.ndarray, first: int = 0) -> tuple[list, list]:
    return array.tolist(), list(range(first, first + len(array)))


def test_t7(tmp_path: Path) -> None:
    write_t7(tmp_path / "v_Biking_g01_c01", A)
    write_t7(tmp_path / "sub" / "kick_CZE_1_", B)
    torch.save(torch.ones(4), tmp_path / "kept.pt")  # of no video
    assert recognise(tmp_path) == ("t7", "")
    assert read("t7", tmp_path) == {
        "sub/kick_CZE_1_": {UNNAMED: rows(B)},
        "v_Biking_g01_c01": {UNNAMED: rows(A)},
    }


def test_t7_as_torch_wrote_it_in_2019(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    folder.mkdir()
    vector = torch.from_numpy(A)[1]  # a view: the file holds the storage of all three
    torch.save(vector, folder / "img_00007.t7", _use_new_zipfile_serialization=False)
    assert read("t7", tmp_path) == {"v": {UNNAMED: ([A[1].tolist()], [6])}}


@pytest.mark.parametrize("name", ["{}_", "flow_{}_", "flow{}_", "{}", "flow_{}"])
def test_t7_flow_is_the_x_and_y_files_of_a_frame(tmp_path: Path, name: str) -> None:
    write_t7(tmp_path / "v", A, template=name.format("x") + "{:05d}.t7")
    write_t7(tmp_path / "v", A + 1, template=name.format("y") + "{:05d}.t7")
    flow = np.concatenate([A, A + 1], axis=1)
    assert read("t7", tmp_path) == {"v": {"flow": rows(flow)}}
    write_t7(tmp_path / "v", B)
    assert read("t7", tmp_path) == {"v": {"flow": rows(flow), "rgb": rows(B)}}
    (tmp_path / "v" / f"{name.format('y')}00002.t7").unlink()
    with pytest.raises(InputError, match="one y file of flow for each x file"):
        read("t7", tmp_path)


def test_t7_counted_from_0(tmp_path: Path) -> None:
    write_t7(tmp_path / "v", B)
    (tmp_path / "v" / "img_00001.t7").rename(tmp_path / "v" / "img_00000.t7")
    assert read("t7", tmp_path) == {"v": {UNNAMED: (B.tolist(), [0, 2, 3, 4, 5])}}


def test_t7_of_several_videos_in_a_folder(tmp_path: Path) -> None:
    write_t7(tmp_path / "v", A, template="body_{:05d}.t7")
    assert read("t7", tmp_path) == {"v": {UNNAMED: rows(A)}}
    write_t7(tmp_path / "v", B, template="hand_{:05d}.t7")
    with pytest.raises(InputError, match="mixes files named body_, hand_"):
        read("t7", tmp_path)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_npy(tmp_path: Path, dtype: str) -> None:
    (tmp_path / "jump").mkdir()
    np.save(tmp_path / "jump" / "a.b.npy", A.astype(dtype))
    np.save(tmp_path / "c_rgb.npy", B[0].astype(dtype))  # not all names end in a feature
    assert read("npy", tmp_path) == {
        "c_rgb": {UNNAMED: rows(B[:1])},
        "jump/a.b": {UNNAMED: rows(A)},
    }


def test_npy_of_video_features(tmp_path: Path) -> None:
    np.save(tmp_path / "v_1_rgb.npy", A)
    np.save(tmp_path / "v_1_flow.npy", A + 1)
    np.save(tmp_path / "v_1_fps.npy", np.array(25.0))
    np.save(tmp_path / "v_1_timestamps_ms.npy", np.arange(3.0))
    assert read("npy", tmp_path) == {"v_1": {"rgb": rows(A), "flow": rows(A + 1)}}
    np.save(tmp_path / "v_1_clip.npy", B)
    with pytest.raises(InputError, match="clip, flow, rgb: --select"):
        read("npy", tmp_path)
    assert read("npy", tmp_path, select="clip") == {"v_1": {UNNAMED: rows(B)}}
    assert read("npy", tmp_path, select="flow") == {"v_1": {"flow": rows(A + 1)}}


def test_npz_per_video(tmp_path: Path) -> None:
    np.savez(tmp_path / "alone.npz", whatever=A)
    np.savez(tmp_path / "named.npz", features=B, fps=25.0)
    np.savez_compressed(tmp_path / "two.npz", RGB=A, Flow=A + 1, label=3)
    assert read("npz", tmp_path) == {
        "alone": {UNNAMED: rows(A)},
        "named": {UNNAMED: rows(B)},
        "two": {"rgb": rows(A), "flow": rows(A + 1)},
    }
    np.savez(tmp_path / "unclear.npz", a=A, b=B)
    with pytest.raises(InputError, match=r"unclear.npz holds a, b: .* must be named features"):
        read("npz", tmp_path)


@pytest.mark.parametrize("ids", ["ids", "names", "narration_ids"])
def test_npz_of_all_videos(tmp_path: Path, ids: str) -> None:
    path = tmp_path / "all.npz"
    stacked = np.stack([A, A + 1])  # [N, K, D]
    np.savez(path, **{ids: np.array(["P01_1", "P01_2"])}, features=stacked)
    assert recognise(path) == ("npz", "")
    assert read("npz", path) == {"P01_1": {UNNAMED: rows(A)}, "P01_2": {UNNAMED: rows(A + 1)}}
    assert open_source("npz", path).entries() == []


@pytest.mark.parametrize(("labels", "splits"), [("labels", "splits"), ("label", "Split")])
def test_npz_with_labels_splits_and_two_modalities(
    tmp_path: Path, labels: str, splits: str
) -> None:
    path = tmp_path / "all.npz"
    np.savez(
        path,
        ids=np.array([b"a", b"b"]),
        rgb=A[:2],
        flow=A[1:],
        **{labels: np.array([4, 0]), splits: ["train", ""]},
    )
    assert read("npz", path)["b"] == {"rgb": rows(A[1:2]), "flow": rows(A[2:])}
    assert open_source("npz", path).entries() == [Entry("a", "4", "train"), Entry("b", "0", "")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ids": np.array(["a", "a"])}, "names 1 videos twice"),
        ({"ids": np.array(["a", "b", "c"])}, "3 names and 2 rows"),
        ({"ids": np.array(["a", None])}, r"of objects, .* as text, ids=numpy.array\(ids, str\)"),
        ({"labels": np.array(["a", None])}, "has labels of objects"),
        ({"ids": None}, r"names of another file are saved with it as numpy.savez\(..., ids="),
        ({"labels": np.array(["x"])}, "1 labels of 2 videos"),
        ({"splits": np.array(["train", "dev"])}, "the split 'dev'"),
        (
            {"label": np.array(["x", "y"]), "labels": np.array(["x", "y"])},
            "label and labels: leave",
        ),
        ({"start": np.array([0, 1])}, "start or count without the other"),
        ({"start": np.array([0, 1]), "count": np.array([1, 2])}, "beyond its features"),
        ({"start": np.array([[0], [1]]), "count": np.array([1, 1])}, "one number per video"),
        ({"start": np.array([0, 1]), "count": np.array([[1], [1]])}, "one number per video"),
        ({"features": np.array([{}, {}])}, "allow_pickle"),
        ({"other": A, "features_": A, "features": None}, "must be named features"),
    ],
)
def test_npz_that_contradicts_itself(tmp_path: Path, changes: dict, said: str) -> None:
    arrays = {"ids": np.array(["a", "b"]), "features": A[:2], **changes}
    np.savez(tmp_path / "x.npz", **{k: v for k, v in arrays.items() if v is not None})
    with pytest.raises(InputError, match=said):
        open_source("npz", tmp_path / "x.npz")


def test_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "anet.h5"
    with h5py.File(path, "w") as h5:
        h5["v_1"] = A
        h5["jump/v_2"] = B
    assert recognise(path) == ("hdf5", "")
    assert read("hdf5", path) == {"v_1": {UNNAMED: rows(A)}, "jump/v_2": {UNNAMED: rows(B)}}


def test_hdf5_with_a_group_per_video(tmp_path: Path) -> None:
    path = tmp_path / "x.hdf5"
    with h5py.File(path, "w") as h5:
        h5["video_1/features"] = A
        h5["video_1/n_frames"] = 90
        h5["video_2/rgb"] = A
        h5["video_2/flow"] = A + 1
    assert read("hdf5", path) == {
        "video_1": {UNNAMED: rows(A)},
        "video_2": {"rgb": rows(A), "flow": rows(A + 1)},
    }


def test_hdf5_per_video(tmp_path: Path) -> None:
    (tmp_path / "jump").mkdir()
    datasets = {
        "alone.h5": {"whatever": A},
        "jump/deep.hdf5": {"group/x": B},
        "named.h5": {"features": B, "fps": 25.0},
        "two.hdf5": {"RGB": A, "Flow": A + 1, "label": 3},
    }
    for name, content in datasets.items():
        with h5py.File(tmp_path / name, "w") as h5:
            for key, value in content.items():
                h5[key] = value
    for name in ("a", "b", "c"):  # more than of either suffix
        np.save(tmp_path / f"{name}.npy", A)
    assert recognise(tmp_path) == ("hdf5", "3 .npy files are ignored")
    assert read("hdf5", tmp_path) == {
        "alone": {UNNAMED: rows(A)},
        "jump/deep": {UNNAMED: rows(B)},
        "named": {UNNAMED: rows(B)},
        "two": {"rgb": rows(A), "flow": rows(A + 1)},
    }
    write_domain(tmp_path / "made.h5")
    with pytest.raises(InputError, match=r"made.h5 is a feature file already"):
        open_source("hdf5", tmp_path).read("made")
    (tmp_path / "two.h5").touch()
    with pytest.raises(InputError, match=r"two.hdf5 and .*two.h5 are one video: keep one"):
        open_source("hdf5", tmp_path)


@pytest.mark.slow
def test_mat(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"x": A})
    savemat(tmp_path / "b.mat", {"features": B.astype("f8"), "n": 5})
    assert recognise(tmp_path) == ("mat", "")
    assert read("mat", tmp_path) == {"a": {UNNAMED: rows(A)}, "b": {UNNAMED: rows(B)}}


def test_snippets_of_one_dimension(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(7.0)[:, None])
    assert read("npy", tmp_path) == {"a": {UNNAMED: ([[float(n)] for n in range(7)], [*range(7)])}}


@pytest.mark.parametrize("frame", [[[5, 3, 1], [0, 1, 2]], [[0, 1, 2], [-4, 0, 2]]])
def test_frames_that_no_video_has(tmp_path: Path, frame: list) -> None:
    np.savez(tmp_path / "x.npz", ids=["a", "b"], features=np.stack([A, A]), frame=frame)
    with pytest.raises(InputError, match="[ab] has frames that are negative or go back"):
        read("npz", tmp_path / "x.npz")


def test_frames_that_repeat(tmp_path: Path) -> None:
    """As in ``tcon export --segments`` of a short video."""
    np.savez(tmp_path / "x.npz", ids=["a"], features=A[None], frame=[[0, 0, 4]])
    assert read("npz", tmp_path / "x.npz") == {"a": {UNNAMED: (A.tolist(), [0, 0, 4])}}


@pytest.mark.parametrize("shape", [(1, 3, 4), (3, 4, 1), (1, 3, 4, 1, 1)])
def test_axes_of_length_one_are_dropped(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", A.reshape(shape))
    assert read("npy", tmp_path) == {"a": {UNNAMED: rows(A)}}


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 4, 7, 7)), r"a.npy has the shape \[3, 4, 7, 7\]"),
        (np.zeros((0, 4)), r"shape \[0, 4\]"),
        (np.array(["x"]), "not numbers"),
        (np.array([{}]), "a.npy cannot be read: Object arrays cannot be loaded"),
    ],
)
def test_arrays_that_are_no_features(tmp_path: Path, array: np.ndarray, said: str) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=said):
        read("npy", tmp_path)


def test_the_kind_is_that_of_most_files(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", A)
    np.save(tmp_path / "b.npy", A)
    savemat(tmp_path / "c.mat", {"x": A})
    assert recognise(tmp_path) == ("npy", "1 .mat files are ignored")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="name its kind, one of t7, npy"):
        recognise(tmp_path / "notes.txt")
    with pytest.raises(InputError, match="no such file or folder"):
        recognise(tmp_path / "missing")


def test_what_is_not_of_the_kind_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    for kind in ("t7", "npy", "npz", "mat", "hdf5"):
        with pytest.raises(InputError):
            open_source(kind, tmp_path)
        with pytest.raises(InputError):
            open_source(kind, tmp_path / "notes.txt")
    with pytest.raises(InputError, match="did you mean t7"):
        open_source("t77", tmp_path)
    with pytest.raises(InputError, match="feature file already"):
        open_source("hdf5", write_domain(tmp_path / "made.h5"))
    write_t7(tmp_path / "v", A)
    with pytest.raises(InputError, match="give the one above"):
        open_source("t7", tmp_path / "v")


@pytest.mark.slow
def test_small_files_that_would_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as h5:
        h5.create_dataset("a", (2**20, 2**20), "f4", chunks=True)  # nothing is stored
    with pytest.raises(InputError, match="a declares 4096 GiB, and a video"):
        read("hdf5", tmp_path / "x.h5")
    monkeypatch.setattr(arrays, "MOST_BYTES", 2**20)
    zeros = np.zeros((1000, 1000))
    np.savez_compressed(tmp_path / "a.npz", zeros)
    np.savez_compressed(tmp_path / "all.npz", ids=["a"], features=zeros[None])
    for path in (tmp_path, tmp_path / "all.npz"):
        with pytest.raises(InputError, match=r"declares .* GiB of arrays in a file of 0.0 MiB"):
            read("npz", path)
    savemat(tmp_path / "a.mat", {"a": np.zeros((3, 5))})
    lying = (tmp_path / "a.mat").read_bytes()
    lying = lying.replace(struct.pack("<2i", 3, 5), struct.pack("<2i", 2**20, 2**20))
    (tmp_path / "a.mat").write_bytes(lying)
    with pytest.raises(InputError, match="a.mat declares 8192 GiB"):
        read("mat", tmp_path)
