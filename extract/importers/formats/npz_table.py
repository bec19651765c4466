"""One ``.npz`` of all videos, as ``tcon export`` writes it and as others do.

::

    ids [N]              names: ids, names, videos, video_ids or narration_ids
    features [N, K, D]   or [N, D]; rgb and flow instead, for two modalities
    labels, splits [N]   where known; or label, split
    frame [N, K]         centre frames, where known

Or packed, videos of different lengths one after the other: ``features`` [S, D], ``frame`` [S], and
``start`` [N], ``count`` [N], of which video n owns ``start[n] : start[n] + count[n]``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np

from ....cache.errors import InputError
from ....cache.schema import SPLITS, Snippets
from ...lists import Entry
from .arrays import as_snippets, damaged
from .named_arrays import choose_features
from .npz import open_npz
from .source import FeatureSource

_IDS = ("ids", "names", "videos", "video_ids", "narration_ids")
_KNOWN = {"labels": ("labels", "label"), "splits": ("splits", "split")}
_ROWS = ("frame", "start", "count")


class NpzTable(FeatureSource):
    """Arrays whose rows are videos. All of them are held in memory."""

    kind = "npz"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with damaged(str(path)), open_npz(path) as arrays:
            ids = [key for key in arrays.files if key.lower() in _IDS]
            if len(ids) != 1:
                raise InputError(
                    f"must name its videos in one array of {', '.join(_IDS)}: names of another "
                    "file are saved with it as numpy.savez(..., ids=numpy.array(names, str))"
                )
            known = {kind: _only(arrays.files, written) for kind, written in _KNOWN.items()}
            left = set(arrays.files) - {*known.values(), *_ROWS, *ids}
            chosen = choose_features(left)
            if unread := sorted(left - set(chosen.values())):
                self.notes = (f"the arrays {', '.join(unread)} are ignored",)
            names = _text(ids[0], arrays)
            self._row = {name: n for n, name in enumerate(names)}
            if len(self._row) < len(names):
                raise InputError(f"names {len(names) - len(self._row)} videos twice")
            self._features = {modality: arrays[key] for modality, key in chosen.items()}
            self._other = {key: arrays[key] for key in _ROWS if key in arrays.files}
            self._known = {kind: _text(k, arrays) for kind, k in known.items() if k}
            self._check(len(names))

    def names(self) -> Iterable[str]:
        return self._row

    def read(self, name: str) -> Mapping[str, Snippets]:
        n, frame = self._row[name], self._other.get("frame")
        rows: int | slice = n
        if "start" in self._other:
            start = int(self._other["start"][n])
            rows = slice(start, start + int(self._other["count"][n]))
        with damaged(name):
            return {
                modality: as_snippets(
                    features[rows], None if frame is None else frame[rows].reshape(-1)
                )
                for modality, features in self._features.items()
            }

    def entries(self) -> list[Entry]:
        if not self._known:
            return []
        empty = [""] * len(self._row)
        labels, splits = (self._known.get(key, empty) for key in _KNOWN)
        rows = zip(self._row, labels, splits, strict=True)
        return [Entry(name, label, split) for name, label, split in rows]

    def _check(self, videos: int) -> None:
        """All arrays must speak of the same videos and snippets."""
        snippets = min(len(features) for features in self._features.values())
        packed = {"start", "count"} & self._other.keys()
        lengths = {k: len(rows) for k, rows in {**self._known, **self._other}.items()}
        for key in (*self._known, *packed):
            if lengths[key] != videos:
                raise InputError(f"has {lengths[key]} {key} of {videos} videos")
        if unknown := set(self._known.get("splits", ())) - set(SPLITS):
            raise InputError(f"has the split '{min(unknown)}': it is train, val, test or empty")
        if not packed:
            if snippets != videos:
                raise InputError(f"has {videos} names and {snippets} rows of features")
            return
        if len(packed) == 1:
            raise InputError("has start or count without the other")
        start, count = self._other["start"], self._other["count"]
        if {start.dtype.kind, count.dtype.kind} - {"i", "u"}:
            raise InputError("has start or count that are not whole numbers")
        if start.ndim != 1 or count.ndim != 1:
            raise InputError(
                "has start or count of another shape than [N]: save one number per video"
            )
        if not ((start >= 0) & (count >= 0) & (start + count <= snippets)).all():
            raise InputError("has start and count beyond its features")


def _only(names: Iterable[str], written: Collection[str]) -> str | None:
    """The one of the names that is written so, in whatever case."""
    found = [name for name in names if name.lower() in written]
    if len(found) > 1:
        raise InputError(f"holds {' and '.join(found)}: leave one of them out")
    return found[0] if found else None


def _text(key: str, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Names, or the numbers of classes, as text."""
    try:
        array = arrays[key]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise InputError(
            f"has {key} of objects, which numpy pickles: save them as text, "
            f"{key}=numpy.array({key}, str)"
        ) from None
    if array.dtype.kind not in "USiu" or array.ndim != 1:
        raise InputError(f"has {key} of {array.dtype} {list(array.shape)}: save them as text, [N]")
    return [v.decode() if isinstance(v, bytes) else str(v) for v in array.tolist()]
