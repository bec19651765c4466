"""Write a feature file so that a kill at any moment loses at most the last few seconds.

Finished videos are committed in parts, small feature files in ``FILE.h5.parts/`` that are renamed
into place; `FeatureWriter.close` merges them into ``FILE.h5``, again by rename. HDF5 itself has no
journal: a file that is being appended to can be unreadable after a kill.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np
from filelock import BaseFileLock

from .common.files.locks import release, try_lock
from .common.records import to_json
from .errors import InputError
from .files import new_file
from .merge import merge
from .parts import completes
from .reader import FeatureFile
from .recipe import Recipe
from .schema import Failure, Snippets, Video
from .sources import parts_folder, parts_of
from .tables import write_table

_SLOWER = 100  # parts after which commits are half as frequent as at first
_HEADROOM = 64 * 1024  # bytes that a merged file may need beyond its parts


class FeatureWriter:
    """Create or extend a feature file. Use it as a context manager.

    Args:
        path: the file; an existing one is extended.
        recipes: how the features of each modality are made.
        commit_videos, commit_seconds: commit after so many videos or seconds.

    Raises:
        InputError: the path cannot be written, another process writes this file, or the existing
            file's recipe differs (the message names what differs).
    """

    def __init__(
        self,
        path: str | Path,
        recipes: Mapping[str, Recipe],
        *,
        commit_videos: int = 64,
        commit_seconds: float = 2.0,
    ) -> None:
        self.path = Path(path)
        self.recipes = dict(recipes)
        self._commit_videos, self._commit_seconds = commit_videos, commit_seconds
        self._videos: list[tuple[Video, dict[str, Snippets]]] = []
        self._failures: list[Failure] = []
        self._relabelled = False
        self._parts = parts_folder(self.path)
        self._lock = _lock(self.path, self._parts)
        try:
            if not parts_of(self.path)[0].exists():
                # The file is there from the start, so that the path is known to be writable.
                with self._disk_errors(), new_file(self.path) as h5:
                    self._write(h5, [], [])
            existing = FeatureFile(self.path)
            self._refuse_to_mix(existing)
        except BaseException:
            _unlock(self._lock, self._parts)
            raise
        self.committed = {video.id: video for video in existing.videos}
        self.failed = {failure.video: failure for failure in existing.failures}
        self._next_part = 1 + max(
            (int(p.stem[5:]) for p in self._parts.glob("part-*.h5")), default=0
        )
        self._last_commit = time.monotonic()

    def add(self, video: Video, snippets: Mapping[str, Snippets]) -> None:
        """Take a finished video, with the features of every modality; commit now and then."""
        if video.id in self.committed:
            raise ValueError(f"{video.id} is already in {self.path}")
        if snippets.keys() != self.recipes.keys():
            raise ValueError(f"{video.id} needs features of {sorted(self.recipes)}")
        if not all(len(rows.frame) for rows in snippets.values()):
            raise ValueError(f"{video.id} has no snippets")
        self.committed[video.id] = video
        for mended in (video.id, completes(video.id)):
            self.failed.pop(mended, None)
        self._videos.append((video, dict(snippets)))
        self.commit_if_due()

    def fail(self, failure: Failure) -> None:
        """Record a video that could not be processed."""
        self.failed[failure.video] = failure
        self._failures.append(failure)
        self.commit_if_due()

    def relabel(self, videos: Iterable[Video]) -> None:
        """Give committed videos these labels and splits; their features stay. `close` writes it."""
        for video in videos:
            self.committed[video.id] = video
            self._relabelled = True

    def commit(self) -> None:
        """Make everything added so far durable."""
        self._last_commit = time.monotonic()
        if self._videos or self._failures:
            part = self._parts / f"part-{self._next_part:06d}.h5"
            with self._disk_errors(), new_file(part) as h5:
                self._write(h5, self._videos, self._failures)
            self._next_part += 1
            self._videos, self._failures = [], []

    def close(self) -> None:
        """Commit, merge all parts into the one file, and release it."""
        try:
            self.commit()
            if self._relabelled or parts_of(self.path) != [self.path]:
                whole = FeatureFile(self.path)
                size = sum(source.stat().st_size for source in parts_of(self.path)) + _HEADROOM
                with self._disk_errors(), new_file(self.path, size=size) as h5:
                    merge(whole, h5, videos=[self.committed[video.id] for video in whole.videos])
            for part in self._parts.glob("part-*"):
                part.unlink()
        finally:
            _unlock(self._lock, self._parts)

    def __enter__(self) -> FeatureWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:  # what is committed can be read from the parts; the next run merges them
            try:
                self.commit()
            finally:
                _unlock(self._lock, self._parts)

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        """A disk that is full, or gone, as one clear error."""
        try:
            yield
        except OSError as error:
            raise InputError(
                f"cannot write {self.path}: {error.strerror or error}; every video committed "
                "before is kept: fix that and run the same command again"
            ) from None

    def commit_if_due(self) -> None:
        """Commit if enough videos or seconds have passed; call it where long nothing is added."""
        waiting = len(self._videos) + len(self._failures)
        age = time.monotonic() - self._last_commit
        # More seldom in a long run: every reader opens every part.
        seconds = self._commit_seconds * (1 + self._next_part / _SLOWER)
        if waiting >= self._commit_videos or age >= seconds:
            self.commit()

    def _write(
        self,
        h5: h5py.File,
        videos: list[tuple[Video, dict[str, Snippets]]],
        failures: list[Failure],
    ) -> None:
        write_table(h5, "videos", [video for video, _ in videos], Video)
        write_table(h5, "failures", failures, Failure)
        for modality, recipe in self.recipes.items():
            chunks = [snippets[modality] for _, snippets in videos]
            group = h5.create_group(modality)
            group.attrs["recipe"] = to_json(recipe)
            empty = np.empty((0, recipe.dim), recipe.dtype)
            features = np.concatenate([c.features for c in chunks] or [empty]).astype(recipe.dtype)
            frame = np.concatenate([np.empty(0, np.int64), *(c.frame for c in chunks)])
            time = np.concatenate([np.empty(0), *(c.times for c in chunks)])
            count = np.array([len(c.frame) for c in chunks], int)
            _write_snippets(group, Snippets(features, frame, time), count)

    def _refuse_to_mix(self, existing: FeatureFile) -> None:
        if existing.modalities != sorted(self.recipes):
            held, due = (
                f"{' and '.join(sorted(of))} features" if of else "a table of videos alone"
                for of in (existing.recipes, self.recipes)
            )
            raise InputError(f"{self.path} holds {held}, not {due}: choose another output")
        for modality, recipe in self.recipes.items():
            if differences := existing.recipes[modality].differences(recipe):
                by = "" if recipe.imported else f", as --like {self.path} does,"
                raise InputError(
                    f"{self.path} was made differently ({'; '.join(differences)}): "
                    f"repeat its settings{by} or choose another output"
                )


def _lock(path: Path, parts: Path) -> BaseFileLock:
    """Take the one writer's lock on ``path``.

    Raises:
        InputError: another process has it, or the folder cannot be written.
    """
    while True:
        try:
            parts.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror} ({error.filename})") from None
        try:
            lock = try_lock(parts / "lock")
        except FileNotFoundError:
            continue  # a writer that has just finished removed the folder
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror} ({parts})") from None
        if lock is None:
            raise InputError(f"another process is writing {path}: wait or stop it")
        return lock


def _unlock(lock: BaseFileLock, parts: Path) -> None:
    """Release the lock, and remove the folder unless it holds parts."""
    release(lock)
    with suppress(OSError):
        parts.rmdir()


def _write_snippets(group: h5py.Group, snippets: Snippets, count: np.ndarray) -> None:
    group.create_dataset("features", data=snippets.features)  # [S, D]
    group.create_dataset("frame", data=snippets.frame)  # [S]
    group.create_dataset("time", data=snippets.times)  # [S]
    group.create_dataset("start", data=np.cumsum(count) - count)  # [N]
    group.create_dataset("count", data=count)  # [N]
