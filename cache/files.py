"""Write whole HDF5 files under a temporary name and rename them into place.

A file that exists under its final name is therefore complete, whatever killed the writer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from .common.files.hdf5 import create_hdf5, open_hdf5
from .common.files.writing import replacing, write_whole
from .errors import InputError, MissingFile
from .schema import FORMAT, FORMAT_VERSION


@contextmanager
def new_file(path: Path, *, size: int | None = None) -> Iterator[h5py.File]:
    """Open a new feature file for writing; it appears at ``path`` when the block ends well.

    HDF5 does not survive a full disk: it may even crash the process. Hence a small file is built
    in memory and written as plain bytes, and for a large one the room is asked for first.

    Args:
        path: the file.
        size: bytes that a large file needs at most; None for a small one.

    Raises:
        OSError: no room on the disk.
    """
    if size is None:
        # In memory: nothing is created under this name.
        with h5py.File(path, "w", driver="core", backing_store=False) as h5:
            _mark(h5)
            yield h5
            h5.flush()
            write_whole(path, h5.id.get_file_image())
        return
    with replacing(path) as temporary:
        with create_hdf5(temporary) as h5:
            reserve(h5, size)
            _mark(h5)
            yield h5
            h5.flush()
            used = h5.id.get_filesize()
        os.truncate(temporary, used)


def _mark(h5: h5py.File) -> None:
    h5.attrs["format"] = FORMAT
    h5.attrs["format_version"] = FORMAT_VERSION


def reserve(h5: h5py.File, size: int) -> None:
    """Ask the disk for the room that a file will need.

    Raises:
        OSError: no room.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(h5.id.get_vfd_handle(), 0, size)


@contextmanager
def existing_file(path: Path) -> Iterator[h5py.File]:
    """Open a feature file for reading.

    Raises:
        InputError: the file is missing, cannot be read, is no feature file, or of a newer format;
            another program has it open, or it keeps data in other files.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a feature file")
    if not path.exists():
        raise MissingFile(f"no such feature file: {path} (make one with: tcon extract)")
    try:
        h5 = open_hdf5(path)
    except PermissionError:
        raise InputError(f"{path} cannot be read: its permissions forbid it") from None
    except OSError:
        if h5py.is_hdf5(path):
            raise InputError(f"{path} is cut off or damaged: extract it again") from None
        raise InputError(f"{path} is not a feature file (tcon extract makes them)") from None
    with h5:
        _check_format(path, h5)
        yield h5


@contextmanager
def sound_file(path: Path) -> Iterator[h5py.File]:
    """`existing_file`, for reading in the block what may be damaged.

    Raises:
        InputError: as of `existing_file`, or what is read in the block is damaged.
    """
    with existing_file(path) as h5:
        try:
            yield h5
        except InputError:
            raise
        except Exception as error:  # HDF5 raises anything for damaged files
            raise InputError(f"{path} is damaged: {str(error)[:200].strip()}") from None


@contextmanager
def reopened(path: Path) -> Iterator[h5py.File]:
    """`sound_file`, of one that has been read before.

    Raises:
        InputError: as of `sound_file`, or it is gone, as a part that has been merged is.
    """
    try:
        with sound_file(path) as h5:
            yield h5
    except MissingFile:
        raise InputError(f"{path} has changed since it was opened: try again") from None


def _check_format(path: Path, h5: h5py.File) -> None:
    try:
        name, version = (h5.attrs.get(key) for key in ("format", "format_version"))
    except Exception:  # HDF5 raises anything for damaged files
        raise InputError(f"{path} is damaged: extract it again") from None
    if not isinstance(name, str) or name != FORMAT:
        raise InputError(f"{path} is an HDF5 file, but not a feature file of tcon")
    if not isinstance(version, np.integer):
        raise InputError(f"{path} is damaged, it has no format version: extract it again")
    if version > FORMAT_VERSION:
        raise InputError(
            f"{path} has format version {version}, this tcon reads up to {FORMAT_VERSION}: "
            "upgrade tcon"
        )
