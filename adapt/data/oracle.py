"""The one place that hands out target labels: to `target_only`, under ``--oracle``."""

from __future__ import annotations

from dataclasses import replace

from ...cache import FeatureFile, InputError
from .domains import Domains, V


def train_on_target(domains: Domains[V], target: FeatureFile) -> Domains[V]:
    """The target's labelled training videos take the source's place.

    Their features stay as they are, standardised as for every other method. There is no
    validation set.

    Raises:
        InputError: no target training video is labelled.
    """
    label_of = {video.id: video.label for video in target.videos}
    train = domains.target_train
    classes = [domains.task.target_index(label_of[id_]) for id_ in train.ids]
    known = {n: index for n, index in enumerate(classes) if index is not None and index >= 0}
    if not known:
        raise InputError("target_only needs labels, but no target training video has one")
    labelled = train.subset(list(known), labels=list(known.values()))
    return replace(domains, source_train=labelled, source_val=None)
