"""Write the videos that are wanted of somebody's features into a feature file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ... import __version__
from ...cache.errors import InputError
from ...cache.recipe import FeatureType, Recipe, Sampling
from ...cache.rows import find_not_finite
from ...cache.schema import Failure, Snippets, Video
from ...cache.writer import FeatureWriter
from ..lists import Entry
from ..lists.labels import list_sha256, take_over
from .formats.source import UNNAMED, FeatureSource, modality_of
from .orientation import Transposed, find_transposed

_PRECISIONS = {"float16": "fp16", "float32": "fp32", "float64": "fp64"}
_UNCOMMITTED = 2**25  # values that may wait for a commit: 64 MiB
_LOOKED_AT = 5  # videos that tell how all are made
_CLIP = 16  # frames: features of clips end so many frames, less one, before their video


@dataclass(frozen=True)
class Progress:
    """How far an import is.

    Args:
        todo, before, done, failed: videos to do, in the file already, done, failed.
        underflow: numbers that are not 0 and became 0 in the file.
        nonzero: numbers that are not 0.
        relabelled: videos in the file already that got or lost a label or split.
        transposed: features that look so; None where none do, and before the last.
    """

    todo: int
    before: int
    done: int = 0
    failed: int = 0
    underflow: int = 0
    nonzero: int = 0
    relabelled: int = 0
    transposed: Transposed | None = None


def write_features(
    source: FeatureSource,
    output: str | Path,
    videos: Mapping[str, Entry],
    *,
    modality: str | None = None,
    dtype: FeatureType = "float16",
    backbone: str = "imported",
    weights: str = "",
    unlabelled: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> None:
    """Write the features of ``videos`` into the feature file ``output``, or extend it.

    Videos that the file holds already are skipped, those that failed before are tried again. One
    that cannot be read is recorded as a failure and the rest goes on.

    Args:
        source: the features.
        output: the feature file.
        videos: labels and splits by the source's names.
        modality: which of the source's to take, or what its unnamed features are; None for all it
            names, and rgb for unnamed ones.
        dtype: that the file holds.
        backbone, weights: what made the features, as far as the user says.
        unlabelled: drop the labels and splits that the file holds and ``videos`` do not.
        on_progress: called after every video.

    Raises:
        InputError: no modality can be called so, no video can be read, the file was made
            differently or holds other labels, or the disk is full.
    """
    reader = _Reader(source, modality)
    names = sorted(videos)
    labels = {name: (entry.label, entry.split) for name, entry in videos.items()}
    with closing(source):
        recipes = reader.recipes(names, dtype, backbone, weights, list_sha256(labels))
        with FeatureWriter(output, recipes) as writer:
            relabelled = take_over(labels, writer, unlabelled=unlabelled)
            todo = [name for name in names if name not in writer.committed]
            progress = Progress(len(todo), len(writer.committed), relabelled=relabelled)
            on_progress(progress)
            waiting = 0
            for name in todo:
                try:
                    snippets = reader.read(name, recipes)
                except (InputError, OSError) as error:
                    writer.fail(Failure(name, "read", str(error)))
                    progress = replace(progress, failed=progress.failed + 1)
                else:
                    writer.add(_video(name, videos[name], source, snippets), snippets)
                    waiting += sum(rows.features.size for rows in snippets.values())
                    progress = replace(
                        progress,
                        done=progress.done + 1,
                        underflow=reader.underflow,
                        nonzero=reader.nonzero,
                    )
                if waiting > _UNCOMMITTED:
                    writer.commit()
                    waiting = 0
                on_progress(progress)
            if transposed := reader.transposed():
                on_progress(replace(progress, transposed=transposed))


class _Reader:
    """Reads a source's videos under the modalities that are asked for.

    Args:
        source: the features.
        modality: as of `write_features`.

    Attributes:
        underflow, nonzero: as of `Progress`, of all that was read.

    Raises:
        InputError: no modality can be called so.
    """

    def __init__(self, source: FeatureSource, modality: str | None) -> None:
        self._source, self._modality = source, modality and modality_of(modality)
        self.underflow = self.nonzero = 0
        self._shapes: dict[str, dict[str, tuple[int, int]]] = {}  # by modality and video

    def recipes(
        self, names: list[str], dtype: FeatureType, backbone: str, weights: str, list_sha256: str
    ) -> dict[str, Recipe]:
        """How the features were made, by modality: as most of the first videos are.

        Where as many are alike in another way, those with more modalities count.

        Raises:
            InputError: none is readable, or they are transposed.
        """
        reason = ""
        seen: Counter[tuple[tuple[str, int, str], ...]] = Counter()
        for name in names:
            try:
                stored = sorted(self._stored(name).items())
            except (InputError, OSError) as error:
                reason = reason or f"{name}: {error}"
                continue
            seen[tuple((m, s.features.shape[1], s.features.dtype.name) for m, s in stored)] += 1
            if seen.total() == _LOOKED_AT:
                break
        if not seen:
            raise InputError(f"{self._source.path}: no video can be read; the first, {reason}")
        if (found := self.transposed()) and found.certain:
            raise InputError(f"{self._source.path}: the features {found}")
        usual = max(seen, key=lambda alike: (seen[alike], len(alike)))
        return {
            modality: Recipe(
                backbone=backbone,
                weights=weights,
                weights_sha256="",
                layer="",
                dim=dim,
                preprocessing=None,
                imported=self._source.kind,
                snippet_length=1,
                sampling=Sampling("stride", 1) if self._source.every_frame else None,
                precision=_PRECISIONS.get(stored_as, stored_as),
                dtype=dtype,
                tool_version=__version__,
                list_sha256=list_sha256,
            )
            for modality, dim, stored_as in usual
        }

    def transposed(self) -> Transposed | None:
        """The features that look so among all that was read."""
        if self._source.every_frame:  # each file is a vector
            return None
        found = (find_transposed(Counter(shapes.values())) for shapes in self._shapes.values())
        return next(filter(None, found), None)

    def read(self, name: str, recipes: Mapping[str, Recipe]) -> dict[str, Snippets]:
        """The features of a video as the file holds them.

        Raises:
            InputError: they are damaged, unlike those of other videos, or beyond the file's type.
        """
        stored = self._stored(name)
        if stored.keys() != recipes.keys():
            raise InputError(
                f"has features of {', '.join(sorted(stored))}, other videos of "
                f"{', '.join(sorted(recipes))}"
            )
        for modality, rows in stored.items():
            if rows.features.shape[1] != recipes[modality].dim:
                raise InputError(
                    f"has {rows.features.shape[1]} dimensions, other videos {recipes[modality].dim}"
                )
        return {
            modality: replace(rows, features=self._converted(rows.features, recipes[modality]))
            for modality, rows in stored.items()
        }

    def _converted(self, features: np.ndarray, recipe: Recipe) -> np.ndarray:
        """The features of a video, [n, D], as the file holds them."""
        if place := find_not_finite(features):
            row, dimension = place
            raise InputError(
                f"has the value {features[place]} in snippet {row}, dimension {dimension}: make "
                "its features anew"
            )
        with np.errstate(over="ignore"):
            converted = features.astype(recipe.dtype)
        if find_not_finite(converted):
            largest = f"has values up to {np.abs(features).max():.4g}, beyond {recipe.dtype}'s "
            if recipe.dtype == "float16":
                raise InputError(f"{largest}65504: import with --dtype float32 (dtype=)")
            raise InputError(f"{largest}{np.finfo(np.float32).max:.4g}: scale them")
        nonzero = int(np.count_nonzero(features))
        self.underflow += nonzero - int(np.count_nonzero(converted))
        self.nonzero += nonzero
        return converted

    def _stored(self, name: str) -> dict[str, Snippets]:
        stored = dict(self._source.read(name))
        for modality, rows in stored.items():
            self._shapes.setdefault(modality, {})[name] = rows.features.shape
        if UNNAMED in stored:
            return {self._modality or "rgb": stored[UNNAMED]}
        if self._modality and self._modality not in stored:
            raise InputError(f"holds {', '.join(sorted(stored))}, not {self._modality}")
        return {self._modality: stored[self._modality]} if self._modality else stored


def _video(
    name: str, entry: Entry, source: FeatureSource, snippets: Mapping[str, Snippets]
) -> Video:
    last = max(int(rows.frame.max()) for rows in snippets.values()) + 1
    there = min(len(rows.frame) for rows in snippets.values())
    damage = ""
    if source.every_frame and there < max(last, entry.frames - _CLIP + 1):
        damage = f"{there} of {max(last, entry.frames)} frames have features"
    return Video(
        id=name,
        label=entry.label,
        split=entry.split,
        path=str(source.path / name if source.path.is_dir() else source.path),
        frames=entry.frames or last,
        fps=0.0,
        damage=damage,
    )
