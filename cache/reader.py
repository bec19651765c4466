"""Read a feature file, finished or not, or several shards as one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from .common.counts import counted
from .common.records import from_json
from .errors import InputError
from .files import sound_file
from .legacy import OLD_COLUMNS, recipe_from_texts
from .recipe import Recipe
from .rows import FeatureRows, Source
from .schema import SPLITS, TABLES, Failure, Video
from .sources import sources_of
from .tables import read_table


@dataclass(frozen=True)
class Packed:
    """All snippets of one modality; video ``n`` owns ``start[n] : start[n] + count[n]``.

    ``features`` [S, D] or [S, V, D] float16, ``frame`` [S], ``start`` [N], ``count`` [N].
    """

    features: np.ndarray
    frame: np.ndarray
    start: np.ndarray
    count: np.ndarray

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.features.shape))
        return f"Packed({len(self.start)} videos, features {shape})"


class FeatureFile:
    """The tables of a feature file; features are read on demand.

    Videos are in the order of their ids, whichever process finished first. A file whose extraction
    was interrupted reads as what has been committed so far.

    >>> from tcon.cache import FeatureFile
    >>> file = FeatureFile("clips.h5")
    >>> file
    FeatureFile('clips.h5': 2 videos, 2 classes, flow 2x512, rgb 2x512)
    >>> file.recipes["rgb"].backbone
    'resnet18'
    >>> [(video.id, video.label) for video in file.videos]
    [('left/0.mp4', 'left'), ('right/0.mp4', 'right')]
    >>> packed = file.packed("rgb")
    >>> n = 1  # features of the second video, [count, D]
    >>> packed.features[packed.start[n] : packed.start[n] + packed.count[n]].shape
    (2, 512)

    Args:
        path: the file, or a glob of shards.

    Attributes:
        videos: all of them.
        failures: of videos that are not among them.
        recipes: how the features of each modality were made.
        sources: the HDF5 files that are read, each with which of its videos count, [n] bool: a
            part that has been merged into the file already repeats it.
        order: where each of ``videos`` stands in the sequence of the sources, [N].

    Raises:
        InputError: the file is missing, damaged or no feature file, or shards were made
            differently or hold the same video.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.recipes: dict[str, Recipe] = {}
        videos: list[Video] = []
        failures: dict[str, Failure] = {}
        seen: dict[str, Path] = {}
        self.sources: list[tuple[Path, np.ndarray]] = []
        self._packed: dict[str, Packed] = {}
        self._rows: dict[str, FeatureRows] = {}
        self._counts: dict[str, dict[Path, np.ndarray]] = {}  # in the order of the sources
        for source in sources_of(self.path):
            held: dict[str, np.ndarray] = {}
            with sound_file(source) as h5:
                rows = read_table(h5, "videos", Video, old_names=OLD_COLUMNS)
                _check_videos(rows)
                failures |= {f.video: f for f in read_table(h5, "failures", Failure)}
                for modality in h5.keys() - set(TABLES):
                    recipe = _recipe(h5[modality])
                    held[modality] = _counts(source, h5[modality], rows, recipe.dim)
                    self._add(modality, recipe, source)
            fresh = np.array([v.id not in seen for v in rows], dtype=bool)
            for video, is_fresh in zip(rows, fresh, strict=True):
                if not is_fresh and _shard(seen[video.id]) != _shard(source):
                    raise InputError(
                        f"{_shard(seen[video.id])} and {_shard(source)} both hold {video.id}: "
                        f"{self.path} must match the shards of one extraction alone"
                    )
                seen[video.id] = source
            videos += [v for v, is_fresh in zip(rows, fresh, strict=True) if is_fresh]
            self.sources.append((source, fresh))
            for modality, count in held.items():
                self._counts.setdefault(modality, {})[source] = count[fresh]
        # The order of commits depends on what was quickest; that of ids depends on nothing.
        self.order = np.array(sorted(range(len(videos)), key=lambda n: videos[n].id), dtype=int)
        self.videos = [videos[n] for n in self.order]
        self.failures = [f for _, f in sorted(failures.items()) if f.video not in seen]

    def __repr__(self) -> str:
        classes = len({video.label for video in self.videos if video.label})
        parts = [counted(len(self.videos), "video")]
        parts += [counted(classes, "class")] if classes else []
        for modality in self.modalities:
            counts = np.concatenate([*self._counts[modality].values()])
            low, high = (counts.min(), counts.max()) if len(counts) else (0, 0)
            snippets = str(low) if low == high else f"{low}-{high}"
            parts.append(f"{modality} {snippets}x{self.recipes[modality].dim}")
        parts += [counted(len(self.failures), "failure")] if self.failures else []
        return f"FeatureFile({str(self.path)!r}: {', '.join(parts)})"

    @property
    def modalities(self) -> list[str]:
        """Their names, sorted."""
        return sorted(self.recipes)

    def packed(self, modality: str = "rgb") -> Packed:
        """All features of a modality, loaded into memory at the first call; see `rows`.

        Raises:
            InputError: the file does not hold this modality, or more of it than memory does.
        """
        if modality not in self._packed:
            rows = self.rows(modality)
            self._packed[modality] = Packed(
                features=rows.between(0, len(rows) // rows.views).reshape(-1, *rows.snippet),
                frame=self.frames(modality),
                start=self.starts(modality),
                count=self.counts(modality),
            )
        return self._packed[modality]

    def rows(self, modality: str = "rgb") -> FeatureRows:
        """All features of a modality, to be read from the file as they are needed.

        Raises:
            InputError: the file does not hold this modality.
        """
        if modality not in self.recipes:
            raise InputError(f"{self.path} holds no {modality} features, only {self.modalities}")
        if modality not in self._rows:
            sources = []
            for source, fresh in self.sources:
                with _unchanged(source, modality, len(fresh)) as group:
                    keep = np.repeat(fresh, group["count"])
                    sources.append(Source(source, modality, group["features"].shape, keep))
            self._rows[modality] = FeatureRows(sources)
        return self._rows[modality]

    def frames(self, modality: str = "rgb") -> np.ndarray:
        """The centre frame of each snippet of a modality, [S].

        Raises:
            InputError: the file does not hold this modality.
        """
        return self._of_snippets(modality, "frame")

    def times(self, modality: str = "rgb") -> np.ndarray:
        """When each snippet's centre frame is shown, [S] seconds from the start of its video; NaN
        where unknown, as in imports and in files of before there were times.

        Raises:
            InputError: the file does not hold this modality.
        """
        return self._of_snippets(modality, "time")

    def sha256(self, modality: str | None, *, labels: bool) -> str:
        """Hash of ids, splits and features in the order of ids, and of labels if asked.

        Without labels, two files that differ in labels alone hash alike.

        Args:
            modality: whose features; None for each video's number of frames in their place.
            labels: whether they count.
        """
        digest = hashlib.sha256()
        if modality is not None:
            rows, start, count = self.rows(modality), self.starts(modality), self.counts(modality)
        for n, video in enumerate(self.videos):
            label = video.label if labels else ""
            digest.update(f"{video.id}\0{video.split}\0{label}\0".encode())
            if modality is None:
                digest.update(f"{video.frames}\0".encode())
            else:
                digest.update(rows.between(start[n], start[n] + count[n]).tobytes())
        return digest.hexdigest()

    def starts(self, modality: str) -> np.ndarray:
        """The first snippet of each video, [N].

        Raises:
            InputError: as of `counts`.
        """
        count = self.counts(modality)
        in_sequence = count[np.argsort(self.order)]
        return (np.cumsum(in_sequence) - in_sequence)[self.order]

    def counts(self, modality: str) -> np.ndarray:
        """Snippets of each video, [N].

        Raises:
            InputError: the file does not hold this modality, or one of its shards does not.
        """
        held = self._counts.get(modality, {})
        for source, _ in self.sources:
            if source not in held:
                raise InputError(f"{source} holds no {modality} features")
        return np.concatenate([*held.values()])[self.order]

    def _of_snippets(self, modality: str, name: str) -> np.ndarray:
        """An array of numbers of the snippets, [S]; NaN where a source lacks it."""
        self.counts(modality)
        found = []
        for source, fresh in self.sources:
            with _unchanged(source, modality, len(fresh)) as group:
                keep = np.repeat(fresh, group["count"])
                found.append(group[name][keep] if name in group else np.full(keep.sum(), np.nan))
        return np.concatenate(found)

    def _add(self, modality: str, recipe: Recipe, source: Path) -> None:
        first = self.recipes.setdefault(modality, recipe)
        if differences := first.differences(recipe):
            raise InputError(
                f"{source} was made differently from the other shards of {self.path} "
                f"({'; '.join(differences)}): extract all shards alike"
            )


def _recipe(group: h5py.Group) -> Recipe:
    """How the features of a modality were made.

    Raises:
        Exception: of any kind, for damaged attributes.
    """
    if "recipe" in group.attrs:
        return from_json(Recipe, group.attrs["recipe"])
    values = {k: v.item() if isinstance(v, np.generic) else v for k, v in group.attrs.items()}
    return recipe_from_texts(values)  # up to version 2


def _check_videos(videos: list[Video]) -> None:
    """Refuse rows that `writer` cannot have written.

    Raises:
        ValueError: says which.
    """
    if len({video.id for video in videos}) < len(videos):
        raise ValueError("it holds a video twice")
    for video in videos:
        if not video.id or video.split not in SPLITS or video.frames < 0:
            raise ValueError(f"the row of the video '{video.id}' is not valid")


def _counts(source: Path, group: h5py.Group, videos: list[Video], dim: int) -> np.ndarray:
    """The snippets of each video of a modality, [n], whose arrays fit each other as `schema` says.

    Raises:
        InputError: the snippets lie in another order than the videos.
        ValueError: the arrays do not fit each other; says which.
    """
    features, frame, start, count = (group[k] for k in ("features", "frame", "start", "count"))
    row = features.shape[1:]
    if features.dtype != np.float16 or len(row) not in (1, 2) or row[-1] != dim or 0 in row:
        raise ValueError(f"its features are {features.dtype} {list(features.shape)}")
    if any(rows.dtype.kind not in "iu" for rows in (frame, start, count)):
        raise ValueError("its frames or counts are not whole numbers")
    if "time" in group and (group["time"].dtype.kind != "f" or group["time"].shape != frame.shape):
        raise ValueError("its times are not numbers, one of each snippet")
    if start.shape != (len(videos),) or count.shape != (len(videos),):
        raise ValueError(f"its counts are not those of {len(videos)} videos")
    starts, counts = start[()], count[()]  # [n]
    if (wrong := (counts < 1) | (counts > len(features))).any():
        n = int(np.argmax(wrong))
        raise ValueError(f"the video {videos[n].id} has {counts[n]} snippets")
    counts = counts.astype(np.int64)
    if not len(features) == len(frame) == counts.sum():
        raise ValueError(f"it has {len(features)} snippets, its counts sum to {counts.sum()}")
    due = np.cumsum(counts) - counts  # behind the video before
    if (moved := starts != due).any():
        n = int(np.argmax(moved))
        raise InputError(
            f"{source} has snippets in another order than videos, which is not read: those of "
            f"{videos[n].id} start at {starts[n]}, not at {due[n]}"
        )
    return counts


def _shard(source: Path) -> Path:
    """The file that a part belongs to."""
    parent = source.parent
    return source if parent.suffix != ".parts" else parent.with_suffix("")


@contextmanager
def _unchanged(source: Path, modality: str, videos: int) -> Iterator[h5py.Group]:
    """A modality of a file that still holds as many videos.

    Raises:
        InputError: it does not, or it is damaged.
    """
    with sound_file(source) as h5:
        if len(h5[modality]["count"]) != videos:
            raise InputError(f"{source} has changed since it was opened: try again")
        yield h5[modality]
