"""Files are the old ones or the new ones, and an error names them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tcon.cache import InputError
from tcon.cache.common.files import writing
from tcon.cache.common.files.writing import DiskError, write_errors, write_output, write_whole
from tcon.cache.files import new_file


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that notices at the last moment that it is full."""

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(writing.os, "fsync", fail)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, full: None) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")
    with pytest.raises(DiskError, match="^cannot write .*x.csv: No space left on device; make ro"):
        write_output(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"]


def test_only_errors_of_the_disk_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Not a directory$") as caught:
        (tmp_path / "file").touch()
        write_output(tmp_path / "file" / "x.csv", "new")
    assert not isinstance(caught.value, DiskError)
    with pytest.raises(DiskError, match="read it again$"), write_errors(tmp_path, "read it again"):
        raise OSError(errno.EROFS, "Read-only file system")


def test_links_are_replaced_or_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("target")
    link.symlink_to(target)
    (tmp_path / "link.tmp").symlink_to(target)  # somebody has guessed the temporary name
    write_output(link, "followed")
    assert (target.read_text(), link.is_symlink()) == ("followed", True)
    write_whole(link, b"replaced")
    assert (target.read_text(), link.read_text(), link.is_symlink()) == (
        "followed",
        "replaced",
        False,
    )


def test_a_large_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("kept")
    (tmp_path / "x.h5.tmp").symlink_to(target)
    with new_file(tmp_path / "x.h5", size=2**20) as h5:
        h5["x"] = 1
    assert target.read_text() == "kept"
    assert (tmp_path / "x.h5").stat().st_size < 2**20
    assert sorted(p.name for p in tmp_path.iterdir()) == ["target", "x.h5"]


def test_a_device_is_written_to(tmp_path: Path) -> None:
    write_output(Path(os.devnull), "gone")
    with pytest.raises(DiskError, match="No space left"):
        write_output(Path("/dev/full"), "gone")


def test_half_a_character_is_written(tmp_path: Path) -> None:
    write_output(tmp_path / "x", "caf\udce9")
    assert (tmp_path / "x").read_text() == "caf\\udce9"
