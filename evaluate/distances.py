"""How far source and target are from each other, before and after adaptation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import Tensor

from ..adapt.mmd import mk_mmd
from .embeddings import Embedded, Trained, of_videos, some
from .layout import markdown_table

_VIDEOS = 200  # of each domain: enough for both measures, and quick
_FOLDS = 5
_SHUFFLES = 10
_HOW = """\
Between source training and target test videos, before (features as the run normalised them) and
after G_f. Proxy A-distance: 0 where a linear classifier guesses the domain, 2 where it is always
right. Squared multi-kernel MMD, in brackets that of equal domains (videos dealt at random). Videos
are their segments side by side, or their mean where K differs."""


@dataclass(frozen=True)
class Distance:
    """How far the domains of one run are apart.

    Args:
        level: of "segments" or of "videos".
        stage: "before" (normalised cached features) or "after" (G_f).
        a_distance: proxy A-distance.
        mmd: squared multi-kernel MMD.
        shuffled: the same of domains that are equal.
    """

    level: str
    stage: str
    a_distance: float
    mmd: float
    shuffled: float


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
    """`mk_mmd` after the videos have been dealt to the domains at random, mean of 10 times.

    MMD is above 0 for equal domains too, the more so the fewer rows there are.

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


def domain_distances(trained: Trained) -> list[Distance]:
    """Between source training and target test videos, at most 200 of each."""
    source = trained.embed("source", some(trained.domains.source_train, _VIDEOS))
    target = trained.embed("target", some(trained.domains.target_test, _VIDEOS))
    concatenate = trained.segments("source") == trained.segments("target")
    found = []
    for stage in ("before", "after"):
        fs, ft = _at(source, stage), _at(target, stage)  # [n | m, K, D]
        for level in ("segments", "videos"):
            if level == "segments":
                s, t = fs.flatten(0, 1), ft.flatten(0, 1)
            else:
                s, t = (of_videos(f, concatenate=concatenate) for f in (fs, ft))
            videos = [np.repeat(np.arange(len(f)), len(r) // len(f)) for f, r in ((fs, s), (ft, t))]
            found.append(
                Distance(
                    level,
                    stage,
                    proxy_a_distance(s.numpy(), t.numpy(), *videos),
                    float(mk_mmd(s, t)),
                    shuffled_mmd(s, t, *videos),
                )
            )
    return found


def distances_markdown(transfers: Mapping[str, Mapping[str, Sequence[Distance]]]) -> str:
    """A table per transfer, with a row per run and level.

    Args:
        transfers: by ``source -> target``, names of runs and their distances.
    """
    head = ["run", "level", "A-distance before", "after", "MMD² before", "after"]
    parts = []
    for transfer, runs in transfers.items():
        rows = []
        for name, distances in runs.items():
            at = {(d.level, d.stage): d for d in distances}
            for level in ("segments", "videos"):
                both = [at[level, stage] for stage in ("before", "after")]
                cells = [name, level, *(f"{d.a_distance:.2f}" for d in both)]
                rows.append([*cells, *(f"{d.mmd:.3f} ({d.shuffled:.3f})" for d in both)])
        parts += [f"{transfer}: domain distance", markdown_table(head, rows)]
    return "\n\n".join([*parts, _HOW])


def _at(videos: Embedded, stage: str) -> Tensor:
    return videos.cached if stage == "before" else videos.features
