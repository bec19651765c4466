"""The one place that hands out target labels: to `target_only`, under ``--oracle``."""

from __future__ import annotations

from dataclasses import replace

import torch

from ..cache import FeatureFile, InputError
from .domains import Domains, Videos


def train_on_target(domains: Domains, target: FeatureFile) -> Domains:
    """The target's labelled training videos take the source's place.

    Features stay as they are, standardised as for every other method. There is no validation set.

    Raises:
        InputError: no target training video is labelled.
    """
    label_of = {video.id: video.label for video in target.videos}
    train = domains.target_train
    classes = [domains.task.target_index(label_of[id_]) for id_ in train.ids]
    rows = [n for n, index in enumerate(classes) if index is not None and index >= 0]
    if not rows:
        raise InputError("target_only needs labels, but no target training video has one")
    labelled = Videos(
        ids=tuple(train.ids[n] for n in rows),
        features=train.features,
        start=train.start[rows],
        count=train.count[rows],
        labels=torch.tensor([classes[n] for n in rows], device=train.start.device),
        views=train.views,
    )
    return replace(domains, source_train=labelled, source_val=None)
