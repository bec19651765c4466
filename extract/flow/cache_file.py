"""The file of one video in a flow cache: all its fields as 8-bit levels.

::

    levels         [F, 2, 256, 340] uint8, x and y, gzip, one field a chunk
    early_stopped  [F] bool: the pair's flow ran out of iterations
    attributes: format, format_version, video (its id), recipe (a `FlowRecipe` as JSON),
                fingerprint (of the video; since version 2)

Up to version 2, ``early_stopped`` was called ``bounded``, and a text ``flow`` stood for the recipe.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from ...cache.common.files.hdf5 import open_hdf5
from ...cache.common.records import from_json
from ...cache.errors import InputError, shorten
from ...cache.files import reserve
from ...cache.legacy import flow_from_text
from ...cache.recipe import FlowRecipe
from .frames import HEIGHT, WIDTH

FORMAT = "tcon-flow"
FORMAT_VERSION = 3
# Measured on real fields: gzip 4 is half of lzf and as quick to read; 9 takes 20 times as long.
_FILTER = {"compression": "gzip", "compression_opts": 4}
_AHEAD = 4 * 2**20  # bytes of a file that HDF5 may not have asked the disk for yet


class DamagedFlowFile(InputError):
    """A file of the cache cannot be read."""


class NoRoom(Exception):
    """A video's flow does not fit into the cache."""


class VideoWriter:
    """Writes the fields of one video, in order.

    Args:
        h5: an empty file.
        room: bytes that it may take.
    """

    def __init__(self, h5: h5py.File, room: int) -> None:
        self._h5, self._room = h5, room
        self._early_stopped: list[bool] = []
        field = (2, HEIGHT, WIDTH)
        self._levels = h5.create_dataset(
            "levels", (0, *field), np.uint8, maxshape=(None, *field), chunks=(1, *field), **_FILTER
        )

    def add(self, levels: np.ndarray, *, early_stopped: bool) -> None:
        """Append a field [2, 256, 340] uint8.

        Raises:
            NoRoom: the file would be too large.
            OSError: the disk is full.
        """
        size = self._h5.id.get_filesize()
        if size > self._room:
            raise NoRoom
        reserve(self._h5, size + _AHEAD)  # HDF5 itself may crash on a full disk
        self._levels.resize(len(self._early_stopped) + 1, 0)
        self._levels[-1] = levels
        self._early_stopped.append(early_stopped)

    def finish(self) -> int:
        """Write what is left; the bytes that the file takes."""
        self._h5.create_dataset("early_stopped", data=np.array(self._early_stopped, bool))
        self._h5.flush()
        return self._h5.id.get_filesize()


def early_stopped(h5: h5py.File) -> np.ndarray:
    """Which fields of a video's file ran out of iterations, [F] bool."""
    return h5["early_stopped" if "early_stopped" in h5 else "bounded"][()]


def recipe_of(h5: h5py.File) -> FlowRecipe:
    """How the fields of a video's file were computed.

    Raises:
        ValueError: it does not say.
    """
    if "recipe" in h5.attrs:
        return from_json(FlowRecipe, h5.attrs["recipe"])
    return flow_from_text(h5.attrs["flow"])  # up to version 2


@contextmanager
def open_any(path: Path) -> Iterator[h5py.File]:
    """Open a file of the cache.

    Raises:
        DamagedFlowFile: it is damaged.
        InputError: it is another program's, of a newer version, or no file that can be read.
    """
    try:
        h5 = open_hdf5(path)
    except OSError as error:
        raise DamagedFlowFile(f"{path} is damaged ({error}): remove it") from None
    with h5:
        try:
            _require_fields(path, h5)
        except InputError:
            raise
        except Exception as error:  # HDF5 raises anything for damaged files
            reason = shorten(" ".join(str(error).split()))
            raise DamagedFlowFile(f"{path} is damaged ({reason}): remove it") from None
        yield h5


def _require_fields(path: Path, h5: h5py.File) -> None:
    """Require all that a file of the cache has."""
    name, version = h5.attrs.get("format"), h5.attrs.get("format_version")
    if not isinstance(name, str) or name != FORMAT:
        raise InputError(f"{path} is not a flow cache file: name a folder of its own for the cache")
    if not isinstance(version, np.integer):
        raise ValueError("it has no format version")
    if version > FORMAT_VERSION:
        raise InputError(
            f"{path} has format version {version}, this tcon reads up to {FORMAT_VERSION}: upgrade "
            "tcon"
        )
    recipe_of(h5)
    levels, stopped = h5["levels"], early_stopped(h5)
    if levels.dtype != np.uint8 or levels.shape != (len(stopped), 2, HEIGHT, WIDTH):
        raise ValueError(f"its fields are {levels.dtype} {list(levels.shape)}")
    if stopped.dtype != bool or stopped.ndim != 1:
        raise ValueError("it does not say which fields stopped early")
    if not isinstance(h5.attrs.get("fingerprint", ""), str):
        raise ValueError("its fingerprint is no text")


@contextmanager
def open_like(path: Path, flow: FlowRecipe) -> Iterator[h5py.File]:
    with open_any(path) as h5:
        if difference := recipe_of(h5).difference(flow):
            raise InputError(
                f"the flow in {path.parent} was made differently ({difference}): "
                "repeat its settings or name another folder"
            )
        yield h5
