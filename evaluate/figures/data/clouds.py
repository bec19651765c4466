"""Features of a run's source, target and target-aligned source videos, as clouds of points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ....adapt.layers import coattention as co
from ....adapt.methods.tcon.method import Tcon
from ...runs.embeddings import Embedded, RunFeatures, of_videos, some
from .coattention import aligns, co_attend, similar_pairs, source_probabilities

_SHOWN = 150  # videos of each domain


class Cloud(NamedTuple):
    """Points of one kind: features [n, D] and classes [n], -1 where unknown."""

    features: np.ndarray
    classes: np.ndarray

    def __repr__(self) -> str:
        return f"<Cloud of {len(self.features)} points>"


@dataclass(frozen=True, kw_only=True)
class FeatureClouds:
    """Features after G_f, by kind: "source", "target" and perhaps "target-aligned source".

    Args:
        segments: a point per segment.
        videos: a point per video.
        source_videos, target_videos: how many.
        pairs: how many pairs the aligned features are of; None without these.
        concatenated: whether a video is its segments side by side, or their mean.
    """

    segments: Mapping[str, Cloud]
    videos: Mapping[str, Cloud]
    source_videos: int
    target_videos: int
    pairs: int | None
    concatenated: bool


def feature_clouds(run: RunFeatures) -> FeatureClouds:
    """Of at most 150 source training and as many target test videos, chosen at random."""
    source = run.embed("source", some(run.domains.source_train, _SHOWN))
    target = run.embed("target", some(run.domains.target_test, _SHOWN))
    features = {
        "source": (source.features, source.truth),
        "target": (target.features, target.truth),
    }
    aligned = _aligned(run, source, target)
    if aligned is not None:
        features["target-aligned source"] = aligned
    concatenate = run.loaded.segments("source") == run.loaded.segments("target")
    return FeatureClouds(
        segments={
            kind: Cloud(f.flatten(0, 1).numpy(), np.repeat(classes, f.shape[1]))
            for kind, (f, classes) in features.items()
        },
        videos={
            kind: Cloud(of_videos(f, concatenate=concatenate).numpy(), classes)
            for kind, (f, classes) in features.items()
        },
        source_videos=len(source.ids),
        target_videos=len(target.ids),
        pairs=None if aligned is None else len(aligned[1]),
        concatenated=concatenate,
    )


@torch.no_grad()
def _aligned(
    run: RunFeatures, source: Embedded, target: Embedded
) -> tuple[Tensor, np.ndarray] | None:
    """Target-aligned source segments (9) of random pairs that training could form, [N, Kt, D], and
    the source videos' classes [N]; None without alignment or pairs."""
    method = run.method
    if not isinstance(method, Tcon) or not aligns(type(method)):
        return None
    fs, ft = source.features, target.features
    p_s = source_probabilities(method, fs)
    p_t = method.predict(target.cached).softmax(1)
    labels = torch.from_numpy(source.truth)
    si, ti = similar_pairs(method, p_s, p_t, labels, most=len(target.ids))
    if not len(si):
        return None
    weights = co_attend(method, fs, ft, si, ti).weights  # [N, Ks, Kt]
    return co.align(weights, fs, si), source.truth[si.numpy()]
