"""Features read row by row are those of the whole array, whatever the layout of the file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from feature_files import recipe

from tcon.cache import FeatureFile, FeatureRows, FeatureWriter, InputError, Snippets, Video
from tcon.cache.recipe import Views

DIM, VIDEOS = 4, 9
Layout = Callable[[Path], None]


def write(path: Path, *, views: int = 0, commit_videos: int = 100) -> dict[str, np.ndarray]:
    """Videos of 1 to 9 snippets, committed from the last to the first; their features by id."""
    rng = np.random.default_rng(0)
    made = recipe(dim=DIM, views=Views("multiscale", views - 1) if views else Views())
    features = {}
    with FeatureWriter(path, {"rgb": made}, commit_videos=commit_videos) as writer:
        for n in reversed(range(VIDEOS)):
            shape = (n + 1, views, DIM) if views else (n + 1, DIM)
            features[f"{n}.mp4"] = rng.normal(size=shape).astype(np.float16)
            snippets = Snippets(features[f"{n}.mp4"], np.arange(n + 1))
            writer.add(Video(f"{n}.mp4", "", "", "", 9, 25.0), {"rgb": snippets})
    return features


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_features_that_are_not_finite_are_named(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "x.h5"
    made = recipe(dim=DIM, dtype=dtype)
    with FeatureWriter(path, {"rgb": made}, commit_videos=1) as writer:
        for name in ("b", "a"):
            wrong = np.ones((700, DIM), dtype)
            wrong[600, 2] = np.inf if name == "b" else 1
            video = Video(name, "", "", "", 9, 25.0)
            writer.add(video, {"rgb": Snippets(wrong, np.arange(700))})
    rows = FeatureFile(path).rows()
    assert len(rows[np.arange(1300)]) == 1300
    said = r"x\.h5: snippet 600 of the video b has the value inf in dimension 2: extract or import"
    with pytest.raises(InputError, match=said):
        rows[np.array([0, 1300])]


def test_float32_is_kept_as_it_is(tmp_path: Path) -> None:
    """In parts, merged, and read by row."""
    path, tiny = tmp_path / "x.h5", np.full((3, DIM), 1e-30, np.float32)
    made = {"rgb": recipe(dim=DIM, dtype="float32")}
    for name in ("a", "b"):
        with FeatureWriter(path, made, commit_videos=1) as writer:
            writer.add(Video(name, "", "", "", 9, 25.0), {"rgb": Snippets(tiny, np.arange(3))})
    file = FeatureFile(path)
    np.testing.assert_array_equal(file.packed().features, np.concatenate([tiny, tiny]))
    np.testing.assert_array_equal(file.rows()[np.array([5, 0])], tiny[:2])
    with pytest.raises(InputError, match="dtype: float32 in place of float16"):
        FeatureWriter(path, {"rgb": recipe(dim=DIM)})


def relaid(path: Path, **layout: object) -> None:
    """Store the features in another layout."""
    with h5py.File(path, "r+") as h5:
        features = h5["rgb/features"][()]
        del h5["rgb/features"]
        h5["rgb"].create_dataset("features", data=features, **layout)


LAYOUTS: dict[str, Layout] = {
    "contiguous": lambda path: None,
    "chunked": lambda path: relaid(path, chunks=True),
    "compressed": lambda path: relaid(path, compression="gzip", shuffle=True),
}


@pytest.mark.parametrize("views", [0, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_rows_in_any_order(tmp_path: Path, layout: str, views: int) -> None:
    features = write(tmp_path / "x.h5", views=views)
    LAYOUTS[layout](tmp_path / "x.h5")
    whole = np.concatenate([features[id_].reshape(-1, DIM) for id_ in sorted(features)])
    rows = FeatureFile(tmp_path / "x.h5").rows()
    assert rows.shape == whole.shape and rows.nbytes == whole.nbytes
    rng = np.random.default_rng(1)
    for size in (0, 1, 5, 200):
        wanted = rng.integers(len(whole), size=size)
        np.testing.assert_array_equal(rows[wanted], whole[wanted])


@pytest.mark.parametrize("near", [1, 8192])
def test_rows_that_lie_apart_and_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    """Whether what lies between them is read along or not."""
    monkeypatch.setattr("tcon.cache.rows._NEAR", near)
    features = write(tmp_path / "x.h5")
    whole = np.concatenate([features[id_] for id_ in sorted(features)])
    wanted = np.array([44, 3, 4, 5, 20, 22, 3, 0])
    np.testing.assert_array_equal(FeatureFile(tmp_path / "x.h5").rows()[wanted], whole[wanted])


@pytest.mark.parametrize("open_at_once", [2, 64])
def test_parts_of_an_unfinished_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_at_once: int
) -> None:
    """Also where there are more of them than are kept open."""
    monkeypatch.setattr("tcon.cache.rows._KEPT_OPEN", open_at_once)
    path = tmp_path / "x.h5"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tcon.cache.writer.merge", _stop)
        with pytest.raises(KeyboardInterrupt):
            write(path, commit_videos=2)
    file = FeatureFile(path)
    assert len(file.sources) == 6  # the file itself, empty, and five parts
    monkeypatch.undo()
    features = write(tmp_path / "whole.h5")
    rows, start, count = file.rows(), file.starts("rgb"), file.counts("rgb")
    for n, video in enumerate(file.videos):
        np.testing.assert_array_equal(
            rows.between(start[n], start[n] + count[n]), features[video.id]
        )


def _stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_file_that_is_replaced_is_read_on(tmp_path: Path) -> None:
    """`tcon extract` puts a longer file in its place by rename."""
    path = tmp_path / "x.h5"
    write(path)
    rows = FeatureFile(path).rows()
    before = rows[np.arange(len(rows))]
    write(tmp_path / "other.h5", views=2)
    os.replace(tmp_path / "other.h5", path)
    np.testing.assert_array_equal(rows[np.arange(len(rows))], before)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_that_is_cut_off_meanwhile(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "x.h5"
    write(path)
    LAYOUTS[layout](path)
    file = FeatureFile(path)
    rows = file.rows()
    assert isinstance(rows, FeatureRows) and len(rows[np.array([0])]) == 1
    os.truncate(path, 100)
    with pytest.raises(InputError, match=r"x\.h5 is damaged or has changed while it was read"):
        rows[np.arange(len(rows))]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_that_is_written_over_meanwhile(tmp_path: Path, layout: str) -> None:
    """By another of its size, as ``cp other.h5 x.h5`` does."""
    path, other = tmp_path / "x.h5", tmp_path / "other.h5"
    for file in (path, other):
        write(file)
        LAYOUTS[layout](file)
    rows = FeatureFile(path).rows()
    assert isinstance(rows, FeatureRows) and len(rows[np.array([0])]) == 1
    before = path.stat()
    path.write_bytes(other.read_bytes())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))  # clocks may be coarse
    assert path.stat().st_size == before.st_size
    with pytest.raises(InputError, match="has changed while it was read .it has been written to"):
        rows[np.arange(len(rows))]


def _external(h5: h5py.File, secret: Path, shape: tuple[int, int]) -> None:
    h5.create_dataset("rgb/features", shape, np.float16, external=[(str(secret), 0, 2**20)])


def _virtual(h5: h5py.File, secret: Path, shape: tuple[int, int]) -> None:
    layout = h5py.VirtualLayout(shape, np.float16)
    layout[...] = h5py.VirtualSource(secret, "secret", shape)
    h5.create_virtual_dataset("rgb/features", layout)


def _link(h5: h5py.File, secret: Path, shape: tuple[int, int]) -> None:
    with h5py.File(secret, "w") as other:
        other["secret"] = np.ones(shape, np.float16)
    h5["rgb/features"] = h5py.ExternalLink(str(secret), "secret")


@pytest.mark.parametrize("point_at", [_external, _virtual, _link])
def test_other_files_are_not_read(tmp_path: Path, point_at: Callable[..., None]) -> None:
    path, secret = tmp_path / "x.h5", tmp_path / "secret"
    write(path)
    secret.write_bytes(b"s" * 2**20)
    with h5py.File(path, "r+") as h5:
        shape = h5["rgb/features"].shape
        del h5["rgb/features"]
        point_at(h5, secret, shape)
    with pytest.raises(InputError, match="keeps rgb.features in other files, which are not read"):
        FeatureFile(path).packed()
