"""Write whole HDF5 files under a temporary name and rename them into place.

A file that exists under its final name is therefore complete, whatever killed the writer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from .errors import InputError
from .schema import FORMAT, FORMAT_VERSION


@contextmanager
def new_file(path: Path) -> Iterator[h5py.File]:
    """Open a new feature file for writing; it appears at ``path`` when the block ends well."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        with h5py.File(temporary, "w") as h5:
            h5.attrs["format"] = FORMAT
            h5.attrs["format_version"] = FORMAT_VERSION
            yield h5
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)  # the rename itself
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def existing_file(path: Path) -> Iterator[h5py.File]:
    """Open a feature file for reading.

    Raises:
        InputError: the file is missing, no HDF5, no feature file, or of a newer format.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a feature file")
    if not path.is_file():
        raise InputError(f"no such feature file: {path} (make one with: tcon extract)")
    try:
        h5 = h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path} is not a readable HDF5 file: {error}") from None
    with h5:
        if h5.attrs.get("format") != FORMAT:
            raise InputError(f"{path} is an HDF5 file but not a tcon feature file")
        if (version := int(h5.attrs["format_version"])) > FORMAT_VERSION:
            raise InputError(
                f"{path} has format version {version}, this tcon reads up to {FORMAT_VERSION}: "
                "upgrade tcon"
            )
        yield h5


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
