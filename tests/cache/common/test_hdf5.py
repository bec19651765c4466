"""HDF5 files of anybody: what they keep elsewhere, or declare and do not hold, is not read."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from feature_files import write_domain
from handmade_runs import logits, write_run

from tcon.cache import FeatureFile, InputError
from tcon.cache.common.files.hdf5 import Unreadable, datasets_of, open_hdf5
from tcon.evaluate.runs.read import find_runs
from tcon.extract.importers.registry import open_source

Spoil = Callable[[h5py.File], object]


def write(path: Path, spoil: Spoil = lambda h5: None, **options: Any) -> Path:
    with h5py.File(path, "w", **options) as h5:
        h5["rgb/first"] = np.arange(12.0).reshape(4, 3)
        spoil(h5)
    return path


def _external(h5: h5py.File) -> None:
    h5.create_dataset("x", (8,), "u1", external=[("secret", 0, 8)])


def _virtual(h5: h5py.File) -> None:
    layout = h5py.VirtualLayout((4, 3), float)
    layout[...] = h5py.VirtualSource("secret", "x", (4, 3))
    h5.create_virtual_dataset("x", layout)


def _virtual_of_itself(h5: h5py.File) -> None:
    layout = h5py.VirtualLayout((4, 3), float)
    layout[...] = h5py.VirtualSource(".", "rgb/x", (4, 3))
    h5.create_virtual_dataset("rgb/x", layout)


def _link(h5: h5py.File) -> None:
    h5["rgb/x"] = h5py.ExternalLink("secret.h5", "x")


def _soft_link_through_it(h5: h5py.File) -> None:
    h5["x"] = h5py.ExternalLink("secret.h5", "/")
    h5["rgb/y"] = h5py.SoftLink("/x/rgb/first")


@pytest.mark.parametrize(
    "spoil", [_external, _virtual, _virtual_of_itself, _link, _soft_link_through_it]
)
def test_data_in_other_files(tmp_path: Path, spoil: Spoil) -> None:
    write(tmp_path / "secret.h5")
    os.mkfifo(tmp_path / "secret")  # whoever reads it waits for ever
    path = write(tmp_path / "x.h5", spoil)
    said = r"x\.h5 keeps (rgb/)?x in other files, which are not read: copy it into this one$"
    with pytest.raises(Unreadable, match=said):
        open_hdf5(path)
    with pytest.raises(InputError, match=said):
        open_source("hdf5", path)


def _partly(h5: h5py.File) -> None:
    h5.create_dataset("x", (1000,), "f4", chunks=(10,))[500] = 1


def _large_chunk(h5: h5py.File) -> None:
    h5.create_dataset("x", (10,), "u1", maxshape=(None,), chunks=(2**31,), compression="gzip")


DECLARED: dict[str, Spoil] = {
    "contiguous": lambda h5: h5.create_dataset("x", (10**12,), "f4"),
    "chunked": lambda h5: h5.create_dataset("x", (10**12,), "f4", chunks=(1,)),
    "compressed": lambda h5: h5.create_dataset("x", (10**12,), "f4", chunks=(9,), compression=9),
    "partly written": _partly,
    "large chunk": _large_chunk,
}


@pytest.mark.parametrize("kind", DECLARED)
def test_more_declared_than_held(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "x.h5", DECLARED[kind])
    with pytest.raises(Unreadable, match=r"x\.h5 has x, which declares .* and does not hold them"):
        open_hdf5(path)
    with pytest.raises(InputError, match="x declares .*(does not hold them|have at most)"):
        open_source("hdf5", path).read("x")


def test_a_file_that_is_cut_and_says_it_is_not(tmp_path: Path) -> None:
    """HDF5 itself fills with zeros what lies behind a file's end."""
    path = write(tmp_path / "x.h5")
    with h5py.File(path) as h5:
        begin = h5["rgb/first"].id.get_offset()
    held = path.read_bytes()
    end = len(held).to_bytes(8, "little")  # in the superblock
    assert held.count(end) == 1
    path.write_bytes(held.replace(end, (begin + 8).to_bytes(8, "little"))[: begin + 8])
    with pytest.raises((Unreadable, OSError)):
        open_hdf5(path)


def _with_filter(path: Path, mask: int) -> Path:
    """One chunk of a filter that nobody has, which was applied to it or skipped."""
    with h5py.File(path, "w") as h5:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((4, 2))
        made.set_filter(300, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((4, 2))
        dataset = h5py.h5d.create(h5.id, b"x", h5py.h5t.IEEE_F32LE, space, made)
        dataset.write_direct_chunk((0, 0), np.ones(8, "f4").tobytes(), mask)
    return path


def test_a_filter_that_is_missing(tmp_path: Path) -> None:
    path = _with_filter(tmp_path / "x.h5", 0)
    said = r"needs the HDF5 filter .*\(300\), which is not installed: pip install hdf5plugin"
    with pytest.raises(Unreadable, match=f"x.h5 has x, which {said}"):
        open_hdf5(path)
    with pytest.raises(InputError, match=f"^x {said}"):
        open_source("hdf5", path).read("x")


def test_a_filter_that_was_skipped(tmp_path: Path) -> None:
    with open_hdf5(_with_filter(tmp_path / "x.h5", 1)) as h5:
        assert (h5["x"][()] == 1).all()


def _sound(h5: h5py.File) -> None:
    h5.create_dataset("empty", data=h5py.Empty("f4"))
    h5.create_dataset("none", (0, 5), "f4", maxshape=(None, 5))
    h5.create_dataset("scalar", data=3)
    h5.create_dataset("text", data=["a", "bc"], dtype=h5py.string_dtype())
    h5.create_dataset("zeros", data=np.zeros((100_000, 8)), compression="gzip", shuffle=True)
    h5.create_dataset("edges", data=np.ones((13, 7)), chunks=(5, 4), maxshape=(None, 7))
    h5["type"], h5["ref"] = np.dtype("f4"), h5["rgb"].ref
    h5["rgb/loop"], h5["again"] = h5["/"], h5["scalar"]
    h5["soft"], h5["dangling"] = h5py.SoftLink("/scalar"), h5py.SoftLink("/nothing")


@pytest.mark.parametrize("options", [{}, {"userblock_size": 1024}, {"libver": "latest"}])
def test_sound_files_of_many_kinds(tmp_path: Path, options: dict[str, Any]) -> None:
    with open_hdf5(write(tmp_path / "x.h5", _sound, **options)) as h5:
        names = {name for name, _ in datasets_of(h5)}
    assert names == {
        *("again", "edges", "empty", "none", "ref", "rgb/first", "scalar", "text", "zeros")
    }


def test_groups_that_are_nested_deeply(tmp_path: Path) -> None:
    def nest(group: h5py.Group) -> None:
        for _ in range(1200):
            group = group.create_group("g")
        group["x"] = 1

    with open_hdf5(write(tmp_path / "x.h5", nest)) as h5:
        assert len(list(datasets_of(h5))) == 2


@pytest.fixture
def readers(tmp_path: Path) -> dict[Path, Callable[[], object]]:
    """Files of each kind, and what reads them."""
    features, foreign = write_domain(tmp_path / "x.h5", videos=15), write(tmp_path / "foreign.h5")
    run = write_run(tmp_path / "runs", (features, features), train=[logits(15, 9, 5.0)])
    return {
        features: lambda: FeatureFile(features).packed(),
        foreign: lambda: open_source("hdf5", foreign).read("rgb/first"),
        run / "logits.h5": lambda: find_runs([tmp_path / "runs"]),
    }


def test_a_file_that_another_program_has_open(readers: dict[Path, Callable[[], object]]) -> None:
    for path, read in readers.items():
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # as HDF5 does to write
            with pytest.raises(Unreadable, match=f"{path} is open in another program, .*close it"):
                read()
        read()


def test_a_mark_that_a_killed_writer_leaves(tmp_path: Path) -> None:
    copy = tmp_path / "copy.h5"
    with h5py.File(tmp_path / "x.h5", "w", libver="latest") as h5:
        h5["x"] = np.ones(3)
        h5.flush()
        copy.write_bytes((tmp_path / "x.h5").read_bytes())
    with pytest.raises(Unreadable, match=r"marked as open for writing: .* h5clear -s .*copy\.h5$"):
        open_hdf5(copy)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_disk_without_locks(
    readers: dict[Path, Callable[[], object]], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    opened = h5py.File

    def without_locks(path: Path, mode: str, *, locking: bool | None = None) -> h5py.File:
        if locking is not False:
            raise OSError(number, "unable to lock file")
        return opened(path, mode, locking=False)

    monkeypatch.setattr(h5py, "File", without_locks)
    for read in readers.values():
        read()


def test_pipes_and_devices(readers: dict[Path, Callable[[], object]]) -> None:
    for path, read in readers.items():
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(InputError, match=f"{path} is not a"):
            read()
    with pytest.raises(Unreadable, match="is not a regular file"):
        open_hdf5(Path("/dev/zero"))
