"""What the runs of a grid train on: two files, their classes, and what is to be said of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ...cache import FeatureFile, InputError
from ...cache.errors import printable
from ..config.options import RunConfig
from ..methods import entry
from ..run.data_record import DataRecord, Domain, DomainRecord, VideoCounts
from ..run.record import RunRecord
from ..run.videos import RunVideos
from ..tasks.agreement import agreement
from ..tasks.task import SHARED, read_task, shared_classes
from ..training.processes import Processes
from .caveats import Prints, caveats, fingerprints
from .domains import Domains
from .features import Placement
from .feeds import Feed
from .hashing import VideoHashes
from .oracle import train_on_target


class Store(ABC):
    """What each run of a grid trains on, of cached features (`CachedStore`) or of clips.

    Args:
        source, target: feature files.
        task: csv of classes or a shipped task's name; None for the class names that both share.
        device: where runs want the features.
        exact_labels: labels are names of classes as they are written, else as by `match_labels`.

    Attributes:
        unreadable: videos of the lists given that cannot be read, and why.

    Raises:
        InputError: a file is missing or empty, or the task is wrong.
    """

    unreadable: Mapping[str, str] = {}

    def __init__(
        self,
        source: Path,
        target: Path,
        *,
        task: str | Path | None,
        device: torch.device,
        exact_labels: bool = False,
    ) -> None:
        self.exact_labels = exact_labels
        self.source, self.device = FeatureFile(source), device
        self.target = self.source if target == source else FeatureFile(target)
        for file in (self.source, self.target):
            if not file.videos:
                raise InputError(
                    f"{file.path} holds no videos ({len(file.failures)} failed): tcon inspect "
                    "shows why"
                )
        labels = [
            Counter(video.label for video in file.videos) for file in (self.source, self.target)
        ]
        listed = read_task(task) if task else shared_classes(*labels, exact=exact_labels)
        self.task = listed.of_files(*labels, exact=exact_labels)
        self.labels = agreement(self.task, listed, *labels)
        self._prints: dict[str | None, tuple[Prints, Prints]] = {}
        self._caveats: dict[tuple[Any, ...], list[str]] = {}
        self._chosen: dict[tuple[Any, ...], Domains] = {}
        self._hashes = VideoHashes(self.source, self.target)
        self._videos: dict[tuple[Any, ...], RunVideos] = {}

    @property
    def processes(self) -> Processes:
        """Those that train every run together: this one alone."""
        return Processes()

    def chosen(self, run: RunConfig) -> Domains:
        """The run's videos with features as they were extracted, which stay in their files."""
        key = data_key(run)[:3]
        if key not in self._chosen:
            self._chosen[key] = self._load(run)
        return self._chosen[key]

    def domains(self, run: RunConfig) -> Domains:
        """What the run trains on."""
        return self.labelled(run, self._prepared(run))

    def labelled(self, run: RunConfig, domains: Domains) -> Domains:
        """The same; with the target's labels for a method that reads these."""
        if entry(run.method).method.reads_target_labels:
            return train_on_target(domains, self.target)
        return domains

    def resume_from(self, run: RunConfig, begun: RunRecord | None) -> None:  # noqa: B027
        """Do as an interrupted run's record says; None where it has not begun."""

    @abstractmethod
    def feed(self, run: RunConfig) -> Feed:
        """Its batches."""

    def videos(self, run: RunConfig) -> RunVideos:
        """The videos that the run is made with, and their hashes."""
        key = data_key(run)[:3]
        if key not in self._videos:
            self._videos[key] = self._hashes.of(self.chosen(run), self._seen(run))
        return self._videos[key]

    def describe(self, run: RunConfig, begun: RunRecord | None = None) -> DataRecord:
        """What the run is given; of the target nothing that depends on its labels' assignment.

        Args:
            run: the run.
            begun: what its folder says of it, where it has begun.
        """
        domains, seen = self.chosen(run), self._seen(run)
        # As runs were described before they knew their videos.
        whole = begun is not None and not begun.data.source.videos_sha256

        def described(domain: Domain, file: FeatureFile) -> DomainRecord:
            labels = domains.task.source if domain == "source" else domains.task.target
            return DomainRecord(
                path=printable(str(file.path.resolve())),
                videos_sha256="" if whole else self.videos(run).sha256(domain),
                sha256=self._hashes.whole(domain, seen) if whole else "",
                labels=dict(labels),
            )

        target_labels = ""
        if entry(run.method).method.reads_target_labels:
            trained = None if whole else set(domains.target_train.ids)
            target_labels = self.target.sha256(seen, labels=True, ids=trained)
        return DataRecord(
            source=described("source", self.source),
            target=described("target", self.target),
            protocol=domains.protocol,
            task=domains.task.name,
            classes=tuple(domains.task.classes),
            exact_labels=self.exact_labels,
            videos=VideoCounts(
                source_train=len(domains.source_train),
                source_val=len(domains.source_val or ()),
                target_train=len(domains.target_train),
                target_test=len(domains.target_test),
            ),
            target_labels_sha256=target_labels,
            **self._features(run),
        )

    def notes(self, run: RunConfig) -> list[str]:
        """What a user wants to know of how a run is trained before it starts."""
        return self.labels.notes(all_targets=run.train.target_pool == "all")

    def placement(self, run: RunConfig) -> Placement | None:
        """Where the features that the run trains on lie; None where clips make them."""
        return None

    def warnings(self, run: RunConfig) -> list[str]:
        """What a user should know of a run's data before it starts."""
        key = data_key(run)[:3]
        if key not in self._caveats:
            self._caveats[key] = [*self._near_labels(), *self._find_caveats(run)]
        return list(self._caveats[key])

    def _near_labels(self) -> list[str]:
        """Labels that may be misspelt: where the files share classes, those near each other."""
        if self.task.name == SHARED:
            return self.labels.warnings(exact=self.exact_labels)
        labels = {video.label for video in self.target.videos}
        typos = self.task.misspelt_target_labels(labels)
        return [f"the target has no video of some of the task's labels{typos}"] if typos else []

    def _find_caveats(self, run: RunConfig) -> list[str]:
        seen = self._seen(run)
        if seen not in self._prints:
            source = fingerprints(self.source, seen)
            same = self.target is self.source
            self._prints[seen] = source, source if same else fingerprints(self.target, seen)
        classes = {video.id: self.task.target_index(video.label) for video in self.target.videos}
        return list(caveats(self.chosen(run), *self._prints[seen], classes))

    @abstractmethod
    def _prepared(self, run: RunConfig) -> Domains:
        """The run's videos as the run wants them, without target labels."""

    @abstractmethod
    def _seen(self, run: RunConfig) -> str | None:
        """What a run sees of the files beside ids, labels and splits (`FeatureFile.hashes`)."""

    @abstractmethod
    def _features(self, run: RunConfig) -> dict[str, Any]:
        """The fields of a `DataRecord` that say where features come from."""

    @abstractmethod
    def _load(self, run: RunConfig) -> Domains:
        """The run's videos."""


def by_data(runs: list[RunConfig]) -> list[RunConfig]:
    """The same runs, those on equal data side by side."""
    keys = list(dict.fromkeys(map(data_key, runs)))
    return sorted(runs, key=lambda run: keys.index(data_key(run)))


def data_key(run: RunConfig) -> tuple[Any, ...]:
    """What decides the data of a run; the last decides the features' values alone."""
    train = run.train
    return run.modality, train.holdout, train.target_pool, train.normalise
