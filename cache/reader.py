"""Read a feature file, finished or not, or several shards as one."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from .common.counts import counted
from .errors import InputError, MissingFile
from .files import reopened, sound_file
from .groups import check_videos, counts_of, recipe_of
from .legacy import OLD_COLUMNS
from .parts import completes
from .recipe import Recipe
from .rows import FeatureRows, Source
from .schema import TABLES, Failure, Video
from .sources import sources_of
from .tables import read_table


@dataclass(frozen=True)
class Packed:
    """All snippets of one modality; video ``n`` owns ``start[n] : start[n] + count[n]``.

    ``features`` [S, D] or [S, V, D], ``frame`` [S], ``start`` [N], ``count`` [N].
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
        self._packed: dict[str, Packed] = {}
        self._rows: dict[str, FeatureRows] = {}
        try:
            self._read()
        except MissingFile:
            self._read()  # a writer that ended meanwhile has merged its parts into the file

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
                    stored = group["features"]
                    sources.append(Source(source, modality, stored.shape, stored.dtype, keep))
            # Not a method: files that stay open are closed when nothing refers to the rows.
            name_of = partial(_snippet, self.path, self.videos, self.starts(modality))
            self._rows[modality] = FeatureRows(sources, name_of)
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

    def hashes(
        self, modality: str | None, *, labels: bool, ids: Collection[str] | None = None
    ) -> dict[str, str]:
        """A hash of each video's features, and of its label if asked, by id; 32 digits.

        Args:
            modality: whose features; None for each video's number of frames in their place.
            labels: whether they count.
            ids: of the videos that are wanted, if the file holds them; None for all.

        Raises:
            InputError: the file is damaged or does not hold this modality.
        """
        return {
            video.id: hashlib.sha256(
                f"{video.label if labels else ''}\0".encode() + content
            ).hexdigest()[:32]
            for video, content in self._contents(modality, ids)
        }

    def sha256(
        self, modality: str | None, *, labels: bool, ids: Collection[str] | None = None
    ) -> str:
        """One hash of ids, splits and features in the order of ids, and of labels if asked.

        Args:
            modality, labels, ids: as in `hashes`.

        Raises:
            InputError: as of `hashes`.
        """
        digest = hashlib.sha256()
        for video, content in self._contents(modality, ids):
            label = video.label if labels else ""
            digest.update(f"{video.id}\0{video.split}\0{label}\0".encode())
            digest.update(content)
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

    def _contents(
        self, modality: str | None, ids: Collection[str] | None
    ) -> Iterator[tuple[Video, bytes]]:
        """Each of the videos, in the order of ids, with what is hashed of it."""
        if modality is not None:
            rows, start, count = self.rows(modality), self.starts(modality), self.counts(modality)
        for n, video in enumerate(self.videos):
            if ids is not None and video.id not in ids:
                continue
            if modality is None:
                yield video, f"{video.frames}\0".encode()
            else:
                yield video, rows.between(start[n], start[n] + count[n]).tobytes()

    def _of_snippets(self, modality: str, name: str) -> np.ndarray:
        """An array of numbers of the snippets, [S]; NaN where a source lacks it."""
        self.counts(modality)
        found = []
        for source, fresh in self.sources:
            with _unchanged(source, modality, len(fresh)) as group:
                keep = np.repeat(fresh, group["count"])
                # HDF5 itself is slow at picking numbers.
                numbers = group[name][()] if name in group else np.full(len(keep), np.nan)
                found.append(numbers[keep])
        return np.concatenate(found)

    def _read(self) -> None:
        """Read the tables of all sources."""
        self.recipes: dict[str, Recipe] = {}
        videos: list[Video] = []
        failures: dict[str, Failure] = {}
        seen: dict[str, Path] = {}
        self.sources: list[tuple[Path, np.ndarray]] = []
        self._counts: dict[str, dict[Path, np.ndarray]] = {}  # in the order of the sources
        for source in sources_of(self.path):
            held: dict[str, np.ndarray] = {}
            with sound_file(source) as h5:
                rows = read_table(h5, "videos", Video, old_names=OLD_COLUMNS)
                check_videos(rows)
                failures |= {f.video: f for f in read_table(h5, "failures", Failure)}
                for modality in h5.keys() - set(TABLES):
                    if not isinstance(h5[modality], h5py.Group) or "features" not in h5[modality]:
                        raise InputError(
                            f"{source} holds {modality}, which is no modality: remove it with "
                            "h5py, or keep it in another file"
                        )
                    recipe = recipe_of(h5[modality])
                    held[modality] = counts_of(source, h5[modality], rows, recipe)
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
        done = {*seen, *map(completes, seen)}
        self.failures = [f for _, f in sorted(failures.items()) if f.video not in done]

    def _add(self, modality: str, recipe: Recipe, source: Path) -> None:
        first = self.recipes.setdefault(modality, recipe)
        if differences := recipe.differences(first):
            raise InputError(
                f"{source} was made differently from the other shards of {self.path} "
                f"({'; '.join(differences)}): extract all shards alike"
            )


def _snippet(path: Path, videos: list[Video], starts: np.ndarray, place: int) -> str:
    """What a message calls the snippet at a place in the sequence of all."""
    before = np.where(starts <= place, starts, -1)  # [N]
    n = int(np.argmax(before))
    return f"{path}: snippet {place - starts[n]} of the video {videos[n].id}"


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
    with reopened(source) as h5:
        if len(h5[modality]["count"]) != videos:
            raise InputError(f"{source} has changed since it was opened: try again")
        yield h5[modality]
