"""Both domains' videos with their features, and the labels that training may see.

No object that this module returns holds target labels; `oracle` alone hands any out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from ...cache import FeatureFile, InputError
from ...cache.common.short import short_repr
from ..config.training import TargetPool
from ..tasks.task import Task
from .features import Features, FetchedFeatures
from .splits import Splits, split_videos

_PLACES = 2**20  # positions inside a segment
# Of the recipes of features that one method reads.
MUST_AGREE = (
    *("backbone", "weights_sha256", "layer", "dim", "preprocessing", "imported", "snippet_length"),
    "clip_rate",
)


class VideoSet(Protocol):
    """Some videos of a domain: cached features (`Videos`) or, end to end, clips.

    ``count`` [n] is how many snippets each has, ``labels`` class indices [n] of source videos
    alone, ``in_features`` D_in.
    """

    @property
    def ids(self) -> tuple[str, ...]: ...

    @property
    def count(self) -> Tensor: ...

    @property
    def labels(self) -> Tensor | None: ...

    @property
    def in_features(self) -> int: ...

    def __len__(self) -> int: ...

    def subset(self: V, rows: Sequence[int], *, labels: Sequence[int] | None = None) -> V:
        """Those of ``rows``, with these labels."""


V = TypeVar("V", bound=VideoSet)


@dataclass(frozen=True)
class Videos:
    """Some videos of a domain: their snippets are rows of the shared ``features``.

    Args:
        ids: [n].
        features: all views of all snippets of the domain, [S V, D_in] float16 or float32.
        start, count: the first snippet of each video and how many it has, [n].
        labels: class indices [n], of source videos alone.
        views: V, crops and flips of every snippet; the first is the centre crop.
    """

    ids: tuple[str, ...]
    features: Features
    start: Tensor
    count: Tensor
    labels: Tensor | None
    views: int = 1

    __repr__ = short_repr

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def in_features(self) -> int:
        return self.features.shape[1]

    def subset(self, rows: Sequence[int], *, labels: Sequence[int] | None = None) -> Videos:
        """Those of ``rows``, with these labels."""
        device = self.start.device
        return replace(
            self,
            ids=tuple(self.ids[n] for n in rows),
            start=self.start[rows],
            count=self.count[rows],
            labels=None if labels is None else torch.tensor(labels, device=device),
        )

    def snippets(self, videos: Tensor, segments: int, position: Tensor | float = 0.5) -> Tensor:
        """One snippet of each of ``segments`` equal parts of each video.

        Segment j of a video with n snippets takes snippet ``floor((j + position) n / segments)``;
        a video with fewer snippets than segments repeats some.

        Args:
            videos: indices [B].
            segments: K.
            position: place inside the segment, in [0, 1): 0.5 is the centre; or [B, K].

        Returns:
            which of the domain's snippets, [B, K].
        """
        # In integers: rounding must not push a position near 1 into the next segment.
        place = (torch.as_tensor(position, device=self.start.device) * _PLACES).long()
        j = torch.arange(segments, device=self.start.device)
        count = self.count[videos][:, None]  # [B, 1]
        inside = (j * _PLACES + place) * count // (segments * _PLACES)  # [B, K]
        return self.start[videos][:, None] + inside

    def segments(
        self,
        videos: Tensor,
        segments: int,
        position: Tensor | float = 0.5,
        view: Tensor | int = 0,
    ) -> Tensor:
        """Features of the snippets that `snippets` chooses.

        Args:
            videos, segments, position: as there.
            view: of each video, [B], or of all.

        Returns:
            [B, K, D_in] float32.
        """
        snippets = self.snippets(videos, segments, position)  # [B, K]
        view = torch.as_tensor(view, device=self.start.device).reshape(-1, 1)  # [B, 1] or [1, 1]
        features, rows = self.features, snippets * self.views + view  # [B, K]
        if isinstance(features, Tensor):  # on a CPU several times as fast as indexing
            return features.index_select(0, rows.flatten()).unflatten(0, rows.shape).float()
        return features[rows].float()


@dataclass(frozen=True)
class Domains(Generic[V]):
    """What a run trains on, validates on and predicts.

    ``protocol`` is ``inductive`` where target test videos are not adapted on, else
    ``transductive``. ``statistics`` are the mean and deviation [D_in] that each domain's features
    were standardised by, if they were.
    """

    task: Task
    source_train: V
    source_val: V | None
    target_train: V
    target_test: V
    protocol: str
    statistics: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)

    __repr__ = short_repr

    @property
    def in_features(self) -> int:
        return self.source_train.in_features

    @property
    def prediction_sets(self) -> dict[str, V]:
        """The videos whose logits a run records."""
        sets = {"target_train": self.target_train, "target_test": self.target_test}
        return sets if self.source_val is None else sets | {"source_val": self.source_val}


def with_features(domains: Domains[Videos], source: Features, target: Features) -> Domains[Videos]:
    """The same domains with other features."""
    val = domains.source_val
    return replace(
        domains,
        source_train=replace(domains.source_train, features=source),
        source_val=None if val is None else replace(val, features=source),
        target_train=replace(domains.target_train, features=target),
        target_test=replace(domains.target_test, features=target),
    )


def load_domains(
    source: FeatureFile,
    target: FeatureFile,
    *,
    modality: str,
    task: Task,
    device: torch.device,
    holdout: float = 0.0,
    pool: TargetPool = "task",
    splits: Splits | None = None,
) -> Domains[Videos]:
    """The task's videos, as `split_videos` chooses them; features stay in their files.

    Args:
        source, target: feature files.
        modality: whose features.
        task: the classes.
        device: where features are fetched to.
        holdout, pool: as in `split_videos`.
        splits: another choice of videos.

    Raises:
        InputError: the features of the files cannot be compared, or a domain has no video left.
    """
    _check_comparable(source, target, modality)
    if splits is None:
        splits = split_videos(source.videos, target.videos, task, holdout=holdout, pool=pool)
    return choose(splits, task, _load(source, modality, device), _load(target, modality, device))


def choose(splits: Splits, task: Task, source: V, target: V) -> Domains[V]:
    """The domains of a run, of all videos of both.

    Args:
        splits: which videos.
        task: the classes.
        source, target: all videos, without labels.
    """

    def labelled(rows: list[int]) -> V:
        classes = [splits.source_class[n] for n in rows]
        return source.subset(rows, labels=[index for index in classes if index is not None])

    return Domains(
        task=task,
        source_train=labelled(splits.source_train),
        source_val=labelled(splits.source_val) if splits.source_val else None,
        target_train=target.subset(splits.target_train),
        target_test=target.subset(splits.target_test),
        protocol=splits.protocol,
    )


def _load(file: FeatureFile, modality: str, device: torch.device) -> Videos:
    """All videos of a file, without labels."""
    rows = file.rows(modality)
    start, count = (
        torch.from_numpy(array.astype(np.int64)).to(device)
        for array in (file.starts(modality), file.counts(modality))
    )
    return Videos(
        ids=tuple(video.id for video in file.videos),
        features=FetchedFeatures(rows, device),
        start=start,
        count=count,
        labels=None,
        views=rows.views,
    )


def _check_comparable(source: FeatureFile, target: FeatureFile, modality: str) -> None:
    for file in (source, target):
        if modality not in file.recipes:
            raise InputError(f"{file.path} holds no {modality} features, only {file.modalities}")
    a, b = source.recipes[modality], target.recipes[modality]
    for name in MUST_AGREE:
        if not a.agrees(b, name):
            raise InputError(
                f"{source.path} and {target.path} cannot be compared: their {modality} features "
                f"differ in {name} ({a.text(name)} and {b.text(name)}): extract "
                "or import both alike"
            )
