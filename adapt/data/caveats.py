"""What makes accuracies say little: videos on both sides of a comparison, or a single class."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np

from ...cache import FeatureFile
from ...cache.common.counts import counted
from .domains import Domains

_AT_ONCE = 4096  # videos whose features are read together
Prints = Mapping[str, object]  # by video id: equal for the same video, whatever it is called


def fingerprints(file: FeatureFile, modality: str | None) -> Prints:
    """Of each video what tells it from others: its features or, without any, its path.

    Args:
        file: of the videos.
        modality: whose features; of each video the first, central and last snippet are compared.
    """
    if modality is None:
        paths = {video.id: Path(video.path).resolve() for video in file.videos if video.path}
        return {video.id: paths.get(video.id, (file.path, video.id)) for video in file.videos}
    rows, start, count = file.rows(modality), file.starts(modality), file.counts(modality)
    places = np.stack([start, start + count // 2, start + np.maximum(count, 1) - 1], axis=1)
    places = np.minimum(places, len(rows) // rows.views - 1) * rows.views  # [N, 3]
    prints: dict[str, object] = {}
    for first in range(0, len(places), _AT_ONCE):
        chunk = places[first : first + _AT_ONCE]
        features = rows[chunk.reshape(-1)].reshape(len(chunk), -1)  # [n, 3 D]
        for n, values in enumerate(features, start=first):
            digest = hashlib.sha256(values.tobytes()).digest() if values.any() else (file.path, n)
            prints[file.videos[n].id] = int(count[n]), digest
    return prints


def caveats(
    domains: Domains,
    source: Prints,
    target: Prints,
    target_class: Mapping[str, int | None],
) -> Iterator[str]:
    """Sentences on a run's videos.

    Args:
        domains: the run's.
        source, target: `fingerprints` of both files.
        target_class: class index of every target video, -1 where it is unknown.
    """
    classes, val = domains.task.classes, domains.source_val
    if len(classes) == 1:
        yield (
            f"there is only one class, {classes[0]}: every prediction is right, so accuracies mean "
            "nothing"
        )
    train_ids, val_ids = domains.source_train.ids, () if val is None else val.ids
    adapted, tested = domains.target_train.ids, domains.target_test.ids
    both = _shared((*train_ids, *val_ids), source, {*adapted, *tested}, target)
    if both:
        of_all = len({*adapted, *tested})
        yield (
            f"{'all' if both == of_all else both} of the {counted(of_all, 'target video')} are "
            "source videos too: accuracies are no measure of adaptation"
        )
    again = _shared(train_ids, source, val_ids, source)
    if again:
        yield f"{_are(again, 'source validation video')} trained on under other names"
    again = _shared(adapted, target, tested, target) if domains.protocol == "inductive" else 0
    if again:
        yield (
            f"{_are(again, 'target test video')} adapted on under other names: accuracies are "
            "transductive for them"
        )
    if len(classes) > 1:
        of_val = set() if val is None or val.labels is None else set(val.labels.tolist())
        yield from _single("source validation", of_val, classes)
        yield from _single("target training", {target_class[n] for n in adapted}, classes)
        yield from _single("target test", {target_class[n] for n in tested}, classes)


def _shared(ids: Collection[str], of: Prints, others: Collection[str], of_others: Prints) -> int:
    """How many of the others are among the first."""
    known = {of[id_] for id_ in ids}
    return sum(of_others[id_] in known for id_ in others)


def _single(what: str, shown: Collection[int | None], classes: tuple[str, ...]) -> Iterator[str]:
    """That all videos of a set are of one class, where all are labelled."""
    if len(shown) == 1 and (index := next(iter(shown))) is not None and index >= 0:
        yield f"all {what} videos are of one class, {classes[index]}"


def _are(number: int, thing: str) -> str:
    return f"{counted(number, thing)} {'is' if number == 1 else 'are'}"
