"""The features of one modality, read from their file row by row, so that no file is too large.

Contiguous arrays, as `writer` and `merge` make them, are read at their place in the file, past
HDF5; compressed ones and the like through HDF5.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from .errors import InputError
from .files import reopened

_KEPT_OPEN = 64  # files; a system may allow a process no more than 256 in all
_CHECKED = 512  # rows at once: larger blocks leave the processor's caches
_NEAR = 8192  # bytes between two rows that are read along with them


class _Run(NamedTuple):
    """Neighbouring rows: ``first : first + length`` are ``place : ...`` of a source."""

    first: int
    length: int
    source: int
    place: int


@dataclass(frozen=True)
class Source:
    """One HDF5 file's part of the rows.

    Args:
        path: the file.
        modality: whose features.
        shape: of these, (s, D) or (s, V, D).
        dtype: of these.
        keep: which of its snippets count, [s] bool.
    """

    path: Path
    modality: str
    shape: tuple[int, ...]
    dtype: np.dtype
    keep: np.ndarray

    @contextmanager
    def open(self) -> Iterator[_Opened]:
        """Its ``features``.

        Raises:
            InputError: the file is gone or damaged, or another one has taken its place.
        """
        with reopened(self.path) as h5:
            dataset = h5[self.modality]["features"]
            if dataset.shape != self.shape or dataset.dtype != self.dtype:
                raise InputError(f"{self.path} has changed since it was opened: try again")
            yield _Opened(dataset)


class _Opened:
    """The features of a file that is open, [s, D] or [s, V, D]."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset, self._file = dataset, dataset.file.id.get_vfd_handle()
        self._size = dataset.file.id.get_filesize()
        self._changed = os.fstat(self._file).st_mtime_ns
        # None unless its bytes lie one after another, and the system can read them past HDF5.
        self._place = dataset.id.get_offset() if hasattr(os, "preadv") else None

    def read(self, out: np.ndarray, first: int) -> None:
        """Fill ``out`` [n, D] with the rows from ``first`` on, counted over all views.

        Raises:
            Exception: of any kind, for a damaged file.
        """
        found = os.fstat(self._file)
        if found.st_size < self._size:  # HDF5 would give zeros
            raise ValueError("it is shorter than it was")
        if found.st_mtime_ns != self._changed:
            raise ValueError("it has been written to")
        if self._place is None:
            views = self._dataset.shape[1] if self._dataset.ndim == 3 else 1
            start, stop = first // views, -(-(first + len(out)) // views)
            rows = self._dataset[start:stop].reshape(-1, out.shape[1])
            out[:] = rows[first - start * views :][: len(out)]
            return
        place = self._place + first * out.shape[1] * out.itemsize
        left = out.reshape(-1).view(np.uint8).data
        while left:
            read = os.preadv(self._file, [left], place)  # at most 2 GiB come at once
            if not read:
                raise ValueError("it is shorter than it says")
            left, place = left[read:], place + read


class FeatureRows:
    """Features as they lie in their files, [S V, D], of which nothing is held in memory.

    The files stay open, so that they are read on even if others take their names; a process that
    this one forks may read on too.

    Args:
        sources: the files in sequence, at least one.
        name_of: how messages call a snippet, by its place in the sequence.

    Attributes:
        shape: (S V, D).
        snippet: (D,) or (V, D), where V are the crops and flips of each snippet.
        views: V.
        dtype: float16 or float32.

    Raises:
        InputError: the sources' snippets have different shapes.
    """

    def __init__(self, sources: Sequence[Source], name_of: Callable[[int], str]) -> None:
        # An empty file that waits for its first part does not know V.
        filled = [source for source in sources if len(source.keep)] or list(sources[:1])
        self.snippet = filled[0].shape[1:]
        for source in filled:
            if source.shape[1:] != self.snippet:
                raise InputError(f"{source.path} is damaged: its snippets are {source.shape[1:]}")
        self.dtype = filled[0].dtype
        self.views = self.snippet[0] if len(self.snippet) == 2 else 1
        self._sources, self._name_of = tuple(sources), name_of
        self._runs = _runs([source.keep for source in sources])
        self._firsts = np.array([run.first for run in self._runs], dtype=np.int64)
        self.shape = (self.views * sum(run.length for run in self._runs), self.snippet[-1])
        self._open = ExitStack()
        self._kept: dict[int, _Opened] = {}
        weakref.finalize(self, self._open.close)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"FeatureRows({len(self)}x{self.shape[1]} in {len(self._sources)} files)"

    @property
    def nbytes(self) -> int:
        return self.dtype.itemsize * self.shape[0] * self.shape[1]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """These rows, [n, D], in this order.

        Raises:
            InputError: a file is damaged, or has been cut off since it was opened, or features
                are not finite.
        """
        wanted, back = np.unique(rows, return_inverse=True)
        near = max(1, _NEAR // (self.dtype.itemsize * self.shape[1]))
        breaks = np.flatnonzero(np.diff(wanted) > near) + 1
        edges = [0, *breaks.tolist(), len(wanted)] if len(wanted) else []
        found = np.empty((len(wanted), self.shape[1]), self.dtype)
        for start, stop in pairwise(edges):
            first, last = int(wanted[start]), int(wanted[stop - 1])
            if last - first + 1 == stop - start:
                self.read_into(found[start:stop], first)
            else:
                between = np.empty((last - first + 1, self.shape[1]), self.dtype)
                self.read_into(between, first)
                found[start:stop] = between[wanted[start:stop] - first]
        return found[back.reshape(-1)]

    def between(self, start: int, stop: int) -> np.ndarray:
        """All views of the snippets ``start : stop``, [(stop - start) V, D].

        Raises:
            InputError: as of ``[]``, or memory does not hold them.
        """
        shape = (int(stop - start) * self.views, self.shape[1])
        try:
            rows = np.empty(shape, self.dtype)
        except (MemoryError, ValueError):
            gigabytes = f"{self.dtype.itemsize * shape[0] * shape[1] / 1e9:,.1f} GB"
            path = self._sources[0].path
            raise InputError(
                f"memory does not hold {gigabytes} of the features in {path}"
            ) from None
        self.read_into(rows, int(start) * self.views)
        return rows

    def read_into(self, out: np.ndarray, first: int) -> None:
        """Fill ``out`` [n, D] with the rows from ``first`` on.

        Raises:
            InputError: as of ``[]``.
        """
        done, v = 0, self.views
        at = int(np.searchsorted(self._firsts, first // v, side="right")) - 1
        while done < len(out):
            run = self._runs[at]
            skipped = first + done - v * run.first
            n = min(v * run.length - skipped, len(out) - done)
            self._read(run.source, out[done : done + n], v * run.place + skipped)
            done, at = done + n, at + 1
        if place := find_not_finite(out):
            row, dimension = place
            snippet = (first + row) // v
            raise InputError(
                f"{self._name_of(snippet)} has the value {out[place]} in dimension {dimension}: "
                "extract or import the video anew, from a sound source"
            )

    def _read(self, source: int, out: np.ndarray, first: int) -> None:
        """Rows of one file."""
        with ExitStack() as closed_after:
            opened = self._kept.get(source)
            if opened is None:
                keep = len(self._sources) <= _KEPT_OPEN
                stack = self._open if keep else closed_after
                opened = stack.enter_context(self._sources[source].open())
                if keep:
                    self._kept[source] = opened
            try:
                opened.read(out, first)
            except Exception as error:  # HDF5 raises anything for damaged files
                raise InputError(
                    f"{self._sources[source].path} is damaged or has changed while it was read "
                    f"({str(error)[:200].strip()})"
                ) from None


def find_not_finite(features: np.ndarray) -> tuple[int, int] | None:
    """The first place of features [n, D], row and dimension, that is NaN or infinite."""
    for first in range(0, len(features), _CHECKED):
        block = features[first : first + _CHECKED]
        if block.dtype == np.float16:  # the exponent's bits: twelve times as fast as `isfinite`
            wrong = (block.view(np.uint16) & 0x7C00) == 0x7C00
        else:
            wrong = ~np.isfinite(block)
        if wrong.any():
            row, dimension = np.unravel_index(np.argmax(wrong), wrong.shape)
            return first + int(row), int(dimension)
    return None


def _runs(keep: Sequence[np.ndarray]) -> list[_Run]:
    """The runs of snippets that count, in sequence."""
    runs, first = [], 0
    for source, kept in enumerate(keep):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2).tolist():
            runs.append(_Run(first, stop - start, source, start))
            first += stop - start
    return runs
