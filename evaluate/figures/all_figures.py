"""Which figures a comparison of runs has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ...cache import InputError
from ..runs.embeddings import Loader, RunFeatures
from ..runs.groups import Group
from ..runs.names import folder_names
from ..scores.trust.drift import score_drift
from ..scores.unlabelled import Unlabelled
from .accuracy_by_method import accuracy_pictures
from .accuracy_by_segments import accuracy_by_segments, accuracy_picture
from .attention import attention_picture
from .coattention import coattention_picture
from .data.clouds import feature_clouds
from .data.coattention import co_attends
from .data.frames import pair_frames
from .data.pairs import PairChoice, attend_pairs, attention_to_test_videos, check_pairs, shown_pairs
from .picture import NotDrawn, Picture, draw
from .score_drift import drift_picture
from .training_curves import curves_picture, training_logs
from .tsne import tsne_picture


def draw_all(
    groups: Sequence[Group],
    loader: Loader,
    pairs: PairChoice,
    *,
    fused: Sequence[Group] = (),
    labelling: Sequence[Unlabelled] = (),
) -> Iterator[Picture | NotDrawn]:
    """Everything that the runs give: accuracy by method and by K, drift of scores; per group
    training curves, t-SNE and, of TCoN, attention and co-attention. What shows features is of the
    group's first seed.

    Args:
        groups: scored runs.
        loader: of their features.
        pairs: whose co-attention.
        fused: scored groups that have accuracies alone.
        labelling: groups whose scores on an unlabelled target are compared with the source's.

    Yields:
        each figure, or why it cannot be drawn.

    Raises:
        InputError: a pair that was asked for cannot be shown.
    """
    check_pairs([group.first for group in groups], loader, pairs)
    if pairs.ids and not any(_co_attends(group) for group in groups):
        raise InputError(
            "no method of these runs has the co-attention that pairs (pairs=, --pair) would show"
        )
    if panels := accuracy_by_segments([*groups, *fused]):
        yield draw("accuracy by segments", "all runs", partial(accuracy_picture, panels))
    yield from accuracy_pictures([*groups, *fused])
    for result, name in zip(labelling, folder_names([r.group for r in labelling]), strict=True):
        if drift := score_drift(result):
            yield draw("score drift", name, partial(drift_picture, drift, name))
    for group, name in zip(groups, folder_names(groups), strict=True):
        yield draw("training curves", name, partial(_curves, group, name))
        try:
            run = loader.load(group.first)
        except InputError as error:
            yield NotDrawn("features", name, str(error))
            continue
        yield draw("features", name, partial(_features, run, name))
        yield from coattention_pictures(run, name, pairs)


def coattention_pictures(
    run: RunFeatures, name: str, choice: PairChoice
) -> Iterator[Picture | NotDrawn]:
    """Attention over time, where the method predicts it, and a co-attention matrix per pair;
    nothing of methods that do not co-attend.

    Args:
        run: a run and its features.
        name: of its figures.
        choice: which pairs. Those that another run used are left out.

    Raises:
        InputError: the frames of a pair that was asked for cannot be read.
    """
    if not co_attends(type(run.method)):
        return
    pairs = attend_pairs(run, shown_pairs(run, choice))
    everyone = attention_to_test_videos(run)
    if everyone is not None:
        yield draw("attention", name, partial(attention_picture, everyone, pairs, name))
    try:
        frames = [pair_frames(pair, choice.roots) for pair in pairs]
    except InputError as error:
        if choice.ids:
            raise
        yield NotDrawn("co-attention", name, str(error))
        return
    for number, (pair, images) in enumerate(zip(pairs, frames, strict=True), start=1):
        yield draw("co-attention", name, partial(coattention_picture, pair, images, name, number))


def _curves(group: Group, name: str) -> Picture:
    return curves_picture(training_logs(group), name)


def _features(run: RunFeatures, name: str) -> Picture:
    return tsne_picture(feature_clouds(run), name, run.loaded.classes)


def _co_attends(group: Group) -> bool:
    known = group.record.registered
    return known is not None and co_attends(known.method)
