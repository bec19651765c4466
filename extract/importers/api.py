"""`import_features`: features that others made to a feature file; what ``tcon import`` calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ...cache.reader import FeatureFile
from ...cache.recipe import FeatureType
from .registry import open_source, recognise
from .run import Progress, write_features
from .wanted import Wanted, choose_videos


def import_features(
    features: str | Path,
    output: str | Path,
    *,
    kind: str = "auto",
    lists: Sequence[str | Path] = (),
    list_form: str | None = None,
    classes: str | Path | None = None,
    classes_from: int | None = None,
    unlabelled: bool = False,
    modality: str | None = None,
    select: str | None = None,
    trust_pickle: bool = False,
    dtype: FeatureType = "float16",
    backbone: str = "imported",
    weights: str = "",
    on_event: Callable[[Wanted | Progress], None] = lambda event: None,
) -> FeatureFile:
    """Import features that you have into a feature file, or extend it.

    Videos that the file holds already are skipped, those that failed before are tried again. One
    that cannot be read is recorded in ``failures``, and the others go on. Nothing is printed.

    >>> import numpy
    >>> from tcon.extract import import_features
    >>> ids, features = numpy.array(["wave/1", "run/1"]), numpy.zeros((2, 5, 8))
    >>> numpy.savez("all.npz", ids=ids, features=features)
    >>> file = import_features("all.npz", "all.h5", backbone="resnet101")
    >>> file.recipes["rgb"].backbone
    'resnet101'

    Args:
        features: a folder or a file: the root of all features of a dataset.
        output: the feature file.
        kind: of the features, one of docs/import.md; "auto" recognises it.
        lists: paths of lists that say labels and splits, or ``train=PATH`` and the like; without
            them the features' own labels count, else folders ``class/video``.
        list_form: form of the lists, where their shape does not tell.
        classes: class names of the lists' numbers.
        classes_from: number of the first class in the lists, where they count differently.
        unlabelled: drop labels, also those that the output holds already.
        modality: what features are that do not say so, rgb if None; or which of several to take.
        select: which feature of video_features to take, of kind npy alone.
        trust_pickle: you know where features and lists that are pickles come from.
        dtype: that the file holds: float16, or float32 for features that it does not hold, as
            those below 6e-8.
        backbone, weights: what made the features, for the record.
        on_event: called with what is wanted before the first video, and with the progress after
            each.

    Returns:
        the file, also with what it held before.

    Raises:
        InputError: features or lists that cannot be read or do not fit each other, a file that was
            made differently or holds other labels, or a full disk.
    """
    features = Path(features)
    notes: tuple[str, ...] = ()
    if kind == "auto":
        kind, others = recognise(features, trust_pickle=trust_pickle)
        notes = (f"{features} is taken as {kind}{others and f'; {others}'}",)
    source = open_source(kind, features, select=select, trust_pickle=trust_pickle)
    wanted = choose_videos(
        source,
        [str(path) for path in lists],
        form=list_form,
        classes=None if classes is None else Path(classes),
        classes_from=classes_from,
        unlabelled=unlabelled,
        trust_pickle=trust_pickle,
    )
    on_event(replace(wanted, notes=(*notes, *wanted.notes)))
    write_features(
        source,
        output,
        wanted.videos,
        modality=modality,
        dtype=dtype,
        backbone=backbone,
        weights=weights,
        unlabelled=unlabelled,
        on_progress=on_event,
    )
    return FeatureFile(output)
