"""The flow cache: the fields of videos as 8-bit levels, computed once, read many times.

A folder with one HDF5 file for each video. So processes and hosts write side by side, a kill costs
the videos that were being written and no other, and plain h5py reads it::

    FOLDER/5d41402abc4b2a76....h5   named by the SHA-256 of the video's id (see `cache_file`)
    FOLDER/full   is there once a video did not fit
    FOLDER/lock   of those who write
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py

from ...cache.common.files.hdf5 import Unreadable, create_hdf5
from ...cache.common.files.locks import holding
from ...cache.common.files.writing import sync
from ...cache.common.records import to_json
from ...cache.errors import InputError
from ...cache.recipe import FlowRecipe
from ...cache.schema import Video
from ..decoding import DecodeError, fingerprint
from .cache_file import (
    FORMAT,
    FORMAT_VERSION,
    DamagedFlowFile,
    NoRoom,
    VideoWriter,
    open_any,
    open_like,
    recipe_of,
)


@dataclass(frozen=True)
class FlowCache:
    """A flow cache; `open` or `extend` it.

    Args:
        folder: where it lies.
        flow: how its fields are computed.
        limit: bytes that the folder may take; 0 where nothing is added.
    """

    folder: Path
    flow: FlowRecipe
    limit: int = 0

    @classmethod
    def open(cls, folder: str | Path, flow: FlowRecipe) -> FlowCache:
        """Open a cache for reading.

        Raises:
            InputError: no such cache, or its flow was made differently.
        """
        cls.flow_of(folder)
        cache = cls(Path(folder), flow)
        cache._check()
        return cache

    @classmethod
    def flow_of(cls, folder: str | Path) -> FlowRecipe:
        """How the fields of a cache were computed.

        Raises:
            InputError: no such cache.
        """
        first = next(Path(folder).glob("*.h5"), None)  # all its files are alike
        if first is None:
            raise InputError(
                f"no flow cache: {folder} (make one with: tcon extract --modality flow --keep-flow)"
            )
        with open_any(first) as h5:
            return recipe_of(h5)

    @classmethod
    def extend(cls, folder: str | Path, flow: FlowRecipe, limit: int) -> FlowCache:
        """Open a cache for reading and writing; it is made where there is none.

        Raises:
            InputError: the folder cannot be written, or its flow was made differently.
        """
        cache = cls(Path(folder), flow, limit)
        try:
            cache.folder.mkdir(parents=True, exist_ok=True)
            cache._full.unlink(missing_ok=True)
            (cache.folder / "lock").touch()
            for path in cache.folder.glob("*.tmp"):
                _remove_abandoned(path)
        except OSError as error:
            raise InputError(f"cannot write {folder}: {error.strerror}") from None
        cache._check()
        return cache

    def __contains__(self, video: str) -> bool:
        return self._path(video).exists()

    def is_of(self, video: str, path: str, frames: Callable[[], int]) -> bool:
        """Whether the flow held under this id was computed from this very video.

        The `fingerprint` decides; the number of frames where the cache (version 1) has none, or
        the video is not there any more.

        Args:
            video: its id, which the cache holds.
            path: the video.
            frames: gives how many it decodes to.

        Raises:
            DecodeError: what the cache holds is damaged.
        """
        with self.reading(video) as h5:
            same = _is_of(h5, path)
            return len(h5["levels"]) + 1 == frames() if same is None else same

    def require(self, videos: Iterable[Video]) -> None:
        """Check what it holds of these videos.

        Raises:
            InputError: it was made differently, is of other videos of these ids, or is damaged.
        """
        held = [video for video in videos if video.id in self]
        try:
            other = [v.id for v in held if not self.is_of(v.id, v.path, partial(_frames, v))]
        except DecodeError as error:
            raise InputError(str(error)) from None
        if other:
            raise InputError(
                f"the flow in {self.folder} is that of other videos of the same names, as "
                f"{other[0]} ({len(other)} of {len(held)}): name the folder of this domain, or "
                "keep the flow anew by tcon extract --modality flow --keep-flow"
            )

    def forget(self, video: str) -> None:
        """Remove what it holds of a video."""
        self._path(video).unlink(missing_ok=True)

    @property
    def full(self) -> bool:
        """Whether some video has not fitted since the cache was opened for writing."""
        return self._full.exists()

    @property
    def count(self) -> int:
        """How many videos it holds."""
        return sum(1 for _ in self.folder.glob("*.h5"))

    @property
    def size(self) -> int:
        """How many bytes its videos take."""
        return sum(map(_bytes, self.folder.glob("*.h5")))

    @contextmanager
    def reading(self, video: str, path: str | None = None) -> Iterator[h5py.File]:
        """Open the file of a video that the cache holds.

        Args:
            video: its id.
            path: the video, if what is read must be its flow.

        Raises:
            InputError: it was made differently.
            DecodeError: it is damaged, or another video's.
        """
        kept = self._path(video)
        try:
            with open_like(kept, self.flow) as h5:
                if path is not None and _is_of(h5, path) is False:
                    raise DecodeError(
                        f"{self.folder} was given another video's flow under its name meanwhile: "
                        "keep each domain's flow in a folder of its own"
                    )
                yield h5
        except (DamagedFlowFile, Unreadable) as error:
            raise DecodeError(f"its kept flow cannot be read: {error}") from None
        except OSError as error:
            raise DecodeError(
                f"its kept flow cannot be read: {kept} is damaged ({error}): remove it"
            ) from None

    @contextmanager
    def writing(self, video: str, path: str) -> Iterator[VideoWriter]:
        """Take the fields of the video at ``path``; they are there when the block ends well.

        Raises:
            NoRoom: within the limit, or on the disk. The cache is full then.
        """
        target = self._path(video)
        # A name of its own: another process may be at the same video.
        temporary = target.with_suffix(f".{uuid.uuid4().hex}.tmp")
        try:
            with create_hdf5(temporary) as h5:
                h5.attrs.update(format=FORMAT, format_version=FORMAT_VERSION)
                h5.attrs.update(video=video, recipe=to_json(self.flow))
                h5.attrs["fingerprint"] = fingerprint(path)
                writer = VideoWriter(h5, self.limit - self.size)
                yield writer
                size = writer.finish()
            os.truncate(temporary, size)
            sync(temporary)
            with holding(self.folder / "lock"):  # others may have taken the room meanwhile
                if not target.exists() and self.size + size > self.limit:
                    raise NoRoom
                os.replace(temporary, target)
            sync(self.folder)
        except (NoRoom, OSError) as error:
            with suppress(OSError):
                self._full.touch()
            raise NoRoom from error
        finally:
            temporary.unlink(missing_ok=True)

    def _path(self, video: str) -> Path:
        digest = hashlib.sha256(video.encode(errors="surrogateescape")).hexdigest()
        return self.folder / f"{digest[:32]}.h5"

    @property
    def _full(self) -> Path:
        return self.folder / "full"

    def _check(self) -> None:
        if first := next(self.folder.glob("*.h5"), None):
            with open_like(first, self.flow):
                pass


def _bytes(path: Path) -> int:
    """A file's size; 0 where another process has removed it meanwhile."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _frames(video: Video) -> int:
    return video.frames


def _is_of(h5: h5py.File, path: str) -> bool | None:
    """Whether the flow is that of the video at ``path``; None where that cannot be told."""
    before, now = h5.attrs.get("fingerprint", ""), fingerprint(path)
    return before == now if before and now else None


def _remove_abandoned(path: Path) -> None:
    """Remove what a killed process left.

    HDF5 itself locks the files that it writes, by flock: `filelock` has locks of its own alone. On
    a disk without locks nothing tells whether a file is abandoned, and it stays.
    """
    with path.open("rb") as file, suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
