"""Read a feature file, finished or not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from .errors import InputError
from .files import existing_file
from .schema import TABLES, Failure, Provenance, Video
from .tables import read_table


@dataclass(frozen=True)
class Packed:
    """All snippets of one modality; video ``n`` owns ``start[n] : start[n] + count[n]``.

    ``features`` [S, D] float16, ``frame`` [S], ``start`` [N], ``count`` [N].
    """

    features: np.ndarray
    frame: np.ndarray
    start: np.ndarray
    count: np.ndarray


def parts_folder(path: Path) -> Path:
    """Where the parts of an unfinished extraction lie: ``FILE.h5.parts/`` beside the file."""
    return path.with_name(path.name + ".parts")


def parts_of(path: Path) -> list[Path]:
    """The file itself, where it exists, and its parts, oldest first."""
    parts = sorted(parts_folder(path).glob("part-*.h5"))
    return [path, *parts] if path.exists() or not parts else parts


class FeatureFile:
    """The tables of a feature file; features are read on demand.

    A file whose extraction was interrupted reads as what has been committed so far.

    Args:
        path: the file.

    Raises:
        InputError: the file is missing, damaged or no feature file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.videos: list[Video] = []
        self.provenance: dict[str, Provenance] = {}
        failures: dict[str, Failure] = {}
        seen: set[str] = set()
        # Per source file, the rows that count: a part already merged into the file repeats it.
        self._sources: list[tuple[Path, np.ndarray]] = []
        self._packed: dict[str, Packed] = {}
        for source in parts_of(self.path):
            with existing_file(source) as h5:
                try:
                    videos = read_table(h5, "videos", Video)
                    failures |= {f.video: f for f in read_table(h5, "failures", Failure)}
                    for modality in h5.keys() - set(TABLES):
                        self.provenance[modality] = Provenance.from_attributes(h5[modality])
                except (OSError, KeyError, TypeError, ValueError) as error:
                    raise InputError(f"{source} is damaged: {error}") from None
            fresh = np.array([v.id not in seen for v in videos], dtype=bool)
            self.videos += [v for v, is_fresh in zip(videos, fresh, strict=True) if is_fresh]
            seen.update(v.id for v in videos)
            self._sources.append((source, fresh))
        self.failures = [f for f in failures.values() if f.video not in seen]

    @property
    def modalities(self) -> list[str]:
        return sorted(self.provenance)

    def packed(self, modality: str = "rgb") -> Packed:
        """All features of a modality, loaded at the first call.

        Raises:
            InputError: the file does not hold this modality.
        """
        if modality not in self.provenance:
            raise InputError(f"{self.path} holds no {modality} features, only {self.modalities}")
        if modality in self._packed:
            return self._packed[modality]
        features, frame, count = [], [], []
        for source, fresh in self._sources:
            with existing_file(source) as h5:
                group = h5[modality]
                keep = np.repeat(fresh, group["count"][()])
                features.append(_rows(group["features"], keep))
                frame.append(_rows(group["frame"], keep))
                count.append(group["count"][()][fresh])
        counts = np.concatenate(count)
        self._packed[modality] = Packed(
            features=np.concatenate(features),
            frame=np.concatenate(frame),
            start=np.cumsum(counts) - counts,
            count=counts,
        )
        return self._packed[modality]

    def sha256(self, modality: str, *, labels: bool) -> str:
        """Hash of ids, splits and features in the order of ids, and of labels if asked.

        Without labels, two files that differ in labels alone hash alike.
        """
        packed = self.packed(modality)
        digest = hashlib.sha256()
        for n in sorted(range(len(self.videos)), key=lambda n: self.videos[n].id):
            video, start = self.videos[n], packed.start[n]
            label = video.label if labels else ""
            digest.update(f"{video.id}\0{video.split}\0{label}\0".encode())
            digest.update(packed.features[start : start + packed.count[n]].tobytes())
        return digest.hexdigest()


def _rows(dataset: h5py.Dataset, keep: np.ndarray) -> np.ndarray:
    return dataset[()] if keep.all() else dataset[()][keep]
