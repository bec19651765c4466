"""Both domains' features on the device, and the labels that training may see.

Target labels stop here: they decide which videos belong to the task and are then dropped. No
object that this module returns holds them; `oracle` alone hands any out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..cache import FeatureFile, InputError
from .task import Task

TargetPool = Literal["task", "all"]
_HELD_OUT_SEED = 0  # the same for all runs: seeds and methods are validated on the same videos
_PLACES = 2**20  # positions inside a segment
_MUST_AGREE = ("backbone", "weights_sha256", "layer", "dim", "preprocessing", "snippet_length")


@dataclass(frozen=True)
class Videos:
    """Some videos of a domain: their snippets are rows of the shared ``features``.

    Args:
        ids: [n].
        features: all views of all snippets of the domain, [S V, D_in] float16, on the device.
        start, count: the first snippet of each video and how many it has, [n].
        labels: class indices [n], of source videos alone.
        views: V, crops and flips of every snippet; the first is the centre crop.
    """

    ids: tuple[str, ...]
    features: Tensor
    start: Tensor
    count: Tensor
    labels: Tensor | None
    views: int = 1

    def __len__(self) -> int:
        return len(self.ids)

    def segments(
        self,
        videos: Tensor,
        segments: int,
        position: Tensor | float = 0.5,
        view: Tensor | int = 0,
    ) -> Tensor:
        """One snippet of each of ``segments`` equal parts of each video.

        Segment j of a video with n snippets takes snippet ``floor((j + position) n / segments)``;
        a video with fewer snippets than segments repeats some.

        Args:
            videos: indices [B].
            segments: K.
            position: place inside the segment, in [0, 1): 0.5 is the centre; or [B, K].
            view: of each video, [B], or of all.

        Returns:
            [B, K, D_in] float32.
        """
        # In integers: rounding must not push a position near 1 into the next segment.
        place = (torch.as_tensor(position, device=self.start.device) * _PLACES).long()
        j = torch.arange(segments, device=self.start.device)
        count = self.count[videos][:, None]  # [B, 1]
        inside = (j * _PLACES + place) * count // (segments * _PLACES)  # [B, K]
        snippets = self.start[videos][:, None] + inside  # [B, K]
        view = torch.as_tensor(view, device=self.start.device).reshape(-1, 1)  # [B, 1] or [1, 1]
        return self.features[snippets * self.views + view].float()


@dataclass(frozen=True)
class Domains:
    """What a run trains on, validates on and predicts.

    ``protocol`` is ``inductive`` where target test videos are not adapted on, else
    ``transductive``. ``statistics`` are the mean and deviation [D_in] that each domain's features
    were standardised by, if they were.
    """

    task: Task
    source_train: Videos
    source_val: Videos | None
    target_train: Videos
    target_test: Videos
    protocol: str
    statistics: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)

    @property
    def in_features(self) -> int:
        return self.source_train.features.shape[1]

    @property
    def prediction_sets(self) -> dict[str, Videos]:
        """The videos whose logits a run records."""
        sets = {"target_train": self.target_train, "target_test": self.target_test}
        return sets if self.source_val is None else sets | {"source_val": self.source_val}


def load_domains(
    source: FeatureFile,
    target: FeatureFile,
    *,
    modality: str,
    task: Task,
    device: torch.device,
    holdout: float = 0.0,
    pool: TargetPool = "task",
) -> Domains:
    """Load the task's videos.

    Training uses the split ``train``, or every video where there is no such split. The target is
    tested on ``test``, else ``val``, else on what it was adapted to (transductive). The source is
    validated on ``val``, else ``test``, else on a part of its training videos that training then
    never sees.

    Args:
        source, target: feature files.
        modality: whose features.
        task: the classes.
        device: where the features go.
        holdout: share of each class of an unsplit source that validates.
        pool: adapt on target videos of the ``task``'s classes, or on ``all``.

    Raises:
        InputError: the features of the files cannot be compared, or a domain has no video left.
    """
    _check_comparable(source, target, modality)
    # A class is None for a video outside the task.
    source_class = [task.source.get(video.label) for video in source.videos]
    target_class = [task.target_index(video.label) for video in target.videos]
    of_source = _Chooser(source, modality, device, source_class)
    of_target = _Chooser(target, modality, device, target_class)

    train = of_source.rows("train", "")
    if not train:
        raise InputError("no source training video belongs to one of the task's classes")
    task.check_source({source_class[n] for n in train}, {video.label for video in source.videos})
    val = of_source.rows("val", "test")
    if not val or set(val) & set(train):  # no split was kept from training
        val = _held_out(train, source_class, holdout)
        train = [n for n in train if n not in set(val)]

    pool_rows = of_target.rows("train", "", all_classes=pool == "all")
    test = of_target.rows("test", "val") or of_target.rows("train", "")
    if not pool_rows or not test:
        raise InputError("no target training video belongs to one of the task's classes")
    return Domains(
        task=task,
        source_train=of_source.videos(train, labelled=True),
        source_val=of_source.videos(val, labelled=True) if val else None,
        target_train=of_target.videos(pool_rows),
        target_test=of_target.videos(test),
        protocol="transductive" if set(pool_rows) & set(test) else "inductive",
    )


class _Chooser:
    """Chooses videos of one domain; ``classes`` [N] are None outside the task."""

    def __init__(
        self, file: FeatureFile, modality: str, device: torch.device, classes: list[int | None]
    ) -> None:
        self.file, self.device, self.classes = file, device, classes
        self.features, self.start, self.count, self.views = _load(file, modality, device)

    def rows(self, *splits: str, all_classes: bool = False) -> list[int]:
        """The task's videos of the first of ``splits`` that the file has; "" is every video."""
        in_file = {video.split for video in self.file.videos} | {""}
        split = next((split for split in splits if split in in_file), None)
        return [
            n
            for n, video in enumerate(self.file.videos)
            if split in ("", video.split) and (all_classes or self.classes[n] is not None)
        ]

    def videos(self, rows: list[int], *, labelled: bool = False) -> Videos:
        labels = None
        if labelled:
            labels = torch.tensor([self.classes[n] for n in rows], device=self.device)
        return Videos(
            ids=tuple(self.file.videos[n].id for n in rows),
            features=self.features,
            start=self.start[rows],
            count=self.count[rows],
            labels=labels,
            views=self.views,
        )


def _held_out(rows: list[int], classes: list[int | None], share: float) -> list[int]:
    """A share of each class, at least one video; a class's only video stays in training."""
    chosen = []
    for label in sorted({classes[n] for n in rows}) if share else ():
        members = [n for n in rows if classes[n] == label]
        count = min(max(1, round(share * len(members))), len(members) - 1)
        order = np.random.default_rng((_HELD_OUT_SEED, label)).permutation(len(members))
        chosen += [members[n] for n in order[:count]]
    return sorted(chosen)


def _check_comparable(source: FeatureFile, target: FeatureFile, modality: str) -> None:
    for file in (source, target):
        if modality not in file.provenance:
            raise InputError(f"{file.path} holds no {modality} features, only {file.modalities}")
    a, b = source.provenance[modality], target.provenance[modality]
    for name in _MUST_AGREE:
        if getattr(a, name) != getattr(b, name):
            raise InputError(
                f"{source.path} and {target.path} cannot be compared: their {modality} features "
                f"differ in {name} ({getattr(a, name)} and {getattr(b, name)}): extract both alike"
            )


def _load(
    file: FeatureFile, modality: str, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, int]:
    """Features [S V, D_in], start [N], count [N] and V."""
    packed = file.packed(modality)
    views = packed.features.shape[1] if packed.features.ndim == 3 else 1
    arrays = (packed.features, packed.start.astype(np.int64), packed.count.astype(np.int64))
    features, start, count = (torch.from_numpy(array).to(device) for array in arrays)
    return features.flatten(0, -2), start, count, views
