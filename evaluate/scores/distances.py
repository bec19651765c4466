"""How far apart source and target are, before and after adaptation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import Tensor

from ...adapt.data.domains import Videos
from ...adapt.layers.mmd import mk_mmd
from ...adapt.run.data_record import Domain
from ...cache import InputError
from ..runs.embeddings import Embedded, RunFeatures, of_videos, some

Level = Literal["segments", "videos"]
Stage = Literal["before", "after"]

_VIDEOS = 200  # of each domain: enough for both measures, and quick
_FOLDS = 5
_SHUFFLES = 10


@dataclass(frozen=True)
class Distance:
    """How far apart the domains of one run are.

    Args:
        level: "segments" or "videos".
        stage: "before" (standardised cached features) or "after" (G_f).
        a_distance: proxy A-distance.
        mmd: squared multi-kernel MMD.
        shuffled: the same between equal domains.
        floor: proxy A-distance of source training and source validation videos, which are of one
            domain; None without validation videos.
    """

    level: Level
    stage: Stage
    a_distance: float
    mmd: float
    shuffled: float
    floor: float | None


def proxy_a_distance(
    source: np.ndarray, target: np.ndarray, source_videos: np.ndarray, target_videos: np.ndarray
) -> float:
    """2 (1 - 2 err) of a linear classifier that tells the domains apart (Ben-David et al. 2007).

    ``err`` is the mean error of both domains in 5-fold cross-validation of a linear support vector
    machine on standardised features; a video's segments are all in one fold. At least 0, which
    means guessing; 2 is separable.

    Args:
        source, target: [n, D] and [m, D].
        source_videos, target_videos: the video of each row, [n] and [m]; at least two in each.
    """
    x = np.concatenate([source, target])
    y = np.repeat([0, 1], [len(source), len(target)])
    videos = np.concatenate([source_videos, target_videos + source_videos.max() + 1])
    folds = min(_FOLDS, len(np.unique(source_videos)), len(np.unique(target_videos)))
    predicted = np.empty_like(y)
    splits = StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(x, y, videos)
    for train, test in splits:
        # Standardised rows have length sqrt(D): C = 1 / D is that of rows of length 1.
        machine = LinearSVC(C=1 / x.shape[1], class_weight="balanced", random_state=0)
        classifier = make_pipeline(StandardScaler(), machine).fit(x[train], y[train])
        predicted[test] = classifier.predict(x[test])
    wrong = predicted != y
    error = (wrong[y == 0].mean() + wrong[y == 1].mean()) / 2
    return max(0.0, float(2 * (1 - 2 * error)))


def shuffled_mmd(
    source: Tensor, target: Tensor, source_videos: np.ndarray, target_videos: np.ndarray
) -> float:
    """`mk_mmd` after the videos have been dealt to the domains at random; the mean of 10 deals.

    MMD is above 0 between equal domains too, and the more so the fewer rows there are.

    Args:
        source, target: [n, D] and [m, D].
        source_videos, target_videos: the video of each row, [n] and [m].
    """
    rows = torch.cat([source, target])
    videos = np.concatenate([source_videos, target_videos + source_videos.max() + 1])
    names, sources = np.unique(videos), len(np.unique(source_videos))
    random, found = np.random.default_rng(0), []
    for _ in range(_SHUFFLES):
        dealt = torch.from_numpy(np.isin(videos, random.permutation(names)[:sources]))
        found.append(float(mk_mmd(rows[dealt], rows[~dealt])))
    return float(np.mean(found))


def domain_distances(run: RunFeatures) -> list[Distance]:
    """Between source training and target test videos, at most 200 of each.

    Raises:
        InputError: one of them has a single video.
    """
    domains = run.domains
    for whose, videos in (
        ("source has a single training video", domains.source_train),
        ("target has a single test video", domains.target_test),
    ):
        if len(videos) < 2:
            raise InputError(f"its {whose}, and a distance needs two: add videos and adapt again")
    source = _some(run, "source", domains.source_train)
    target = _some(run, "target", domains.target_test)
    val = domains.source_val
    held_out = None if val is None or len(val) < 2 else _some(run, "source", val)
    concatenate = run.loaded.segments("source") == run.loaded.segments("target")
    found = []
    for stage in ("before", "after"):
        for level in ("segments", "videos"):
            rows = partial(_rows, stage=stage, level=level, concatenate=concatenate)
            (s, s_videos), (t, t_videos) = rows(source), rows(target)
            floor = None
            if held_out is not None:
                v, v_videos = rows(held_out)
                floor = proxy_a_distance(s.numpy(), v.numpy(), s_videos, v_videos)
            found.append(
                Distance(
                    level,
                    stage,
                    proxy_a_distance(s.numpy(), t.numpy(), s_videos, t_videos),
                    float(mk_mmd(s, t)),
                    shuffled_mmd(s, t, s_videos, t_videos),
                    floor,
                )
            )
    return found


def _some(run: RunFeatures, domain: Domain, videos: Videos) -> Embedded:
    return run.embed(domain, some(videos, _VIDEOS))


def _rows(
    videos: Embedded, *, stage: Stage, level: Level, concatenate: bool
) -> tuple[Tensor, np.ndarray]:
    """Features [n, D] of segments or videos, and the video of each, [n]."""
    features = videos.cached if stage == "before" else videos.features  # [videos, K, D]
    count, segments = features.shape[:2]
    if level == "segments":
        return features.flatten(0, 1), np.repeat(np.arange(count), segments)
    return of_videos(features, concatenate=concatenate), np.arange(count)
