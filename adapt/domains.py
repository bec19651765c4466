"""Both domains' features on the device, and the labels that training may see.

Target labels stop here: they decide which videos belong to the task and are then dropped. No
object that this module returns holds them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..cache import FeatureFile, InputError
from .task import Task

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
    ``transductive``.
    """

    task: Task
    source_train: Videos
    source_val: Videos | None
    target_train: Videos
    target_test: Videos
    protocol: str

    @property
    def in_features(self) -> int:
        return self.source_train.features.shape[1]


def load_domains(
    source: FeatureFile, target: FeatureFile, *, modality: str, task: Task, device: torch.device
) -> Domains:
    """Load the task's videos.

    Training uses the split ``train``, or every video where there is no such split. The target is
    tested on ``test``, else ``val``, else on what it was adapted to (transductive). The source is
    validated on ``val``, else ``test``, else not at all.

    Raises:
        InputError: the features of the files cannot be compared, or a domain has no video left.
    """
    _check_comparable(source, target, modality)
    # A label is None for a video outside the task.
    source_labels = [task.source.get(video.label) for video in source.videos]
    target_labels = [task.target_index(video.label) for video in target.videos]
    loaded = {
        "source": (source, _load(source, modality, device), source_labels),
        "target": (target, _load(target, modality, device), target_labels),
    }

    def select(domain: str, splits: tuple[str, ...]) -> Videos | None:
        """The task's videos of the first of ``splits`` that the file has; "" is every video."""
        file, (features, start, count, views), labels = loaded[domain]
        in_file = {video.split for video in file.videos} | {""}
        split = next((split for split in splits if split in in_file), None)
        rows = [
            n
            for n, video in enumerate(file.videos)
            if labels[n] is not None and split in ("", video.split)
        ]
        if split is None or not rows:
            return None
        known = torch.tensor([labels[n] for n in rows], device=device)
        return Videos(
            ids=tuple(file.videos[n].id for n in rows),
            features=features,
            start=start[rows],
            count=count[rows],
            labels=known if domain == "source" else None,
            views=views,
        )

    source_train, source_val = select("source", ("train", "")), select("source", ("val", "test"))
    target_train = select("target", ("train", ""))
    for name, videos in (("source", source_train), ("target", target_train)):
        if videos is None:
            raise InputError(f"no {name} training video belongs to one of the task's classes")
    without = set(range(len(task.classes))) - set(source_train.labels.tolist())
    if without:
        names = ", ".join(task.classes[index] for index in sorted(without))
        raise InputError(f"no source training video shows {names}: leave the class out by --task")
    target_test = select("target", ("test", "val")) or target_train
    overlap = set(target_test.ids) & set(target_train.ids)
    if source_val and set(source_val.ids) & set(source_train.ids):
        source_val = None  # no split was kept from training
    return Domains(
        task=task,
        source_train=source_train,
        source_val=source_val,
        target_train=target_train,
        target_test=target_test,
        protocol="transductive" if overlap else "inductive",
    )


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
