"""Open HDF5 files that may come from anybody: what is read of them lies in them.

HDF5 lets a file name other files that hold its data, pipes among them, and declare more data than
it has; a virtual dataset that names itself crashes the library. Hence all that a file is made of
is looked at before any of it is read.
"""

from __future__ import annotations

import errno
import importlib
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import h5py

from ...errors import InputError
from .locks import NO_LOCKS

_MOST_DECLARED = 2**30  # bytes that even a small file may declare
_EXPANSION = 1100  # deflate makes at most 1,032 bytes of one


class Unreadable(InputError):
    """An HDF5 file that is not read as it is, though it need not be damaged; the message says why
    and how to mend it."""


def open_hdf5(path: Path) -> h5py.File:
    """Open a file for reading that holds all its data.

    Raises:
        Unreadable: it is no regular file, another program has it open, its data lies in other
            files, or it holds less than it declares.
        OSError: it is missing, may not be read, or is damaged or no HDF5 file.
    """
    h5 = open_unchecked(path)
    try:
        for name, dataset in datasets_of(h5):
            try:
                check_held(dataset)
            except InputError as error:
                raise InputError(f"has {name}, which {error}") from None
    except Exception as error:
        h5.close()
        if isinstance(error, InputError):
            raise Unreadable(f"{path} {error}") from None
        raise OSError(str(error)) from None  # HDF5 raises anything for damaged files
    return h5


def open_unchecked(path: Path) -> h5py.File:
    """Open a file for reading of which `datasets_of` is to be asked before anything is read.

    Raises:
        Unreadable: it is no regular file, or another program has it open.
        OSError: as of `open_hdf5`.
    """
    if path.exists() and not path.is_file():  # to open a pipe would wait for ever
        raise Unreadable(f"{path} is not a regular file: name a file on a disk")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        # Once open without a lock, a file can be opened again in this process without one alone.
        if error.errno in NO_LOCKS or "locking flag" in str(error):
            return h5py.File(path, "r", locking=False)
        if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
            raise Unreadable(
                f"{path} is open in another program, which may be writing to it: close it there "
                "and try again"
            ) from None
        if "already open for" in str(error):  # a mark in the file, which a killed writer leaves
            raise Unreadable(
                f"{path} is marked as open for writing: close it in the other program, or, if "
                f"that was killed, run: h5clear -s {path}"
            ) from None
        raise


def create_hdf5(path: Path) -> h5py.File:
    """Make a file that is not there yet, locked against readers where the disk has locks.

    Raises:
        OSError: it is there, or cannot be made.
    """
    try:
        return h5py.File(path, "x")
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return h5py.File(path, "w", locking=False)  # the attempt may have made it


def datasets_of(h5: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """All datasets by their names, those of groups as ``group/dataset``.

    Soft links are left out: they lead to what the file holds under another name, or nowhere.

    Raises:
        InputError: the file keeps something in other files.
        Exception: of any kind, for a damaged file.
    """
    seen = {_address(h5)}  # hard links may lead in circles
    groups = [("", h5, iter(h5))]  # no recursion, as groups may be nested deeply
    while groups:
        where, group, names = groups[-1]
        name = next(names, None)
        if name is None:
            groups.pop()
            continue
        if isinstance(name, bytes):
            raise InputError(f"has an entry {name!r}, which is not UTF-8: rename it")
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.SoftLink):
            continue
        name = f"{where}{name}"
        if not isinstance(link, h5py.HardLink):
            raise _elsewhere(name)
        item = h5py.h5o.open(group.id, name.rpartition("/")[2].encode())
        if isinstance(item, h5py.h5g.GroupID):
            inner = h5py.Group(item)
            if (address := _address(inner)) not in seen:
                seen.add(address)
                groups.append((f"{name}/", inner, iter(inner)))
        elif isinstance(item, h5py.h5d.DatasetID):
            dataset = h5py.Dataset(item)
            if dataset.is_virtual or dataset.external:
                raise _elsewhere(name)
            yield name, dataset


def check_held(dataset: h5py.Dataset) -> None:
    """See that a file holds all of a dataset, and that it can be decompressed.

    Raises:
        InputError: it does not, or a filter of HDF5 is missing.
        Exception: of any kind, for a damaged file.
    """
    made = dataset.id.get_create_plist()
    layout = made.get_layout()
    if dataset.shape is None or layout == h5py.h5d.COMPACT:  # nothing, or all in the header
        return
    file_size = os.fstat(dataset.file.id.get_vfd_handle()).st_size
    declared = math.prod(dataset.shape) * dataset.dtype.itemsize  # bytes
    if layout == h5py.h5d.CHUNKED:
        sides = made.get_chunk()
        chunks = math.prod(-(-n // side) for n, side in zip(dataset.shape, sides, strict=True))
        declared = chunks * math.prod(sides) * dataset.dtype.itemsize
        # HDF5 walks all chunks to count them: first see that there can be as many.
        held = chunks <= file_size and dataset.id.get_num_chunks() >= chunks
        if held and chunks:
            _require_filters(made, skipped=dataset.id.get_chunk_info(0).filter_mask)
        held = held and declared <= max(_MOST_DECLARED, _EXPANSION * file_size)
    else:
        begin = dataset.id.get_offset()  # None where nothing was ever written
        held = begin is not None and begin + declared <= file_size
    if declared and not held:
        raise InputError(
            f"declares {declared / 2**20:,.1f} MiB and does not hold them: it was not written to "
            "its end, or is damaged"
        )


def _require_filters(made: h5py.h5p.PropDCID, *, skipped: int) -> None:
    """See that chunks can be decompressed; bit n of ``skipped`` says that filter n was not applied
    to them."""
    for n in range(made.get_nfilters()):
        number, _, _, title = made.get_filter(n)
        if skipped >> n & 1 or h5py.h5z.filter_avail(number):
            continue
        with suppress(ImportError):
            importlib.import_module("hdf5plugin")  # which brings most filters that there are
        if not h5py.h5z.filter_avail(number):
            raise InputError(
                f"needs the HDF5 filter {title.decode(errors='replace')} ({number}), which is not "
                "installed: pip install hdf5plugin"
            )


def _elsewhere(name: str) -> InputError:
    return InputError(f"keeps {name} in other files, which are not read: copy it into this one")


def _address(group: h5py.Group) -> int:
    return int(h5py.h5o.get_info(group.id).addr)
