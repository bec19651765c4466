"""Videos to one feature file, which holds some of them already."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from ...cache import Failure, FeatureWriter
from ...cache.parts import completes, recording_of
from ..lists.labels import list_sha256, take_over
from ..lists.videos import VideoItem, labels_of
from .pipeline import compute
from .plan import Plan
from .sink import Progress


def extract_items(
    items: Sequence[VideoItem],
    output: str | Path,
    plan: Plan,
    *,
    retry_failed: bool | None = False,
    unlabelled: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> list[Failure]:
    """Extract the features of ``items`` into the feature file ``output``, or extend it.

    Videos that the file holds already are skipped. A video that cannot be read is recorded as a
    failure, and the others go on.

    Args:
        items: the videos.
        output: the feature file.
        plan: how.
        retry_failed: take only the videos that failed before (True), only the others (False), or
            all of them (None).
        unlabelled: drop the labels and splits that the file holds and the items do not.
        on_progress: called after every video.

    Returns:
        the failures of these items, earlier ones included.

    Raises:
        InputError: a file that does not match, or a full disk.
    """
    labels = labels_of(items)
    with FeatureWriter(output, plan.recipes(list_sha256(labels))) as writer:
        relabelled = take_over(labels, writer, unlabelled=unlabelled)
        held = frozenset(writer.committed)
        done = set(map(completes, (*held, *writer.failed)))
        # Of a recording that is done a window may have failed.
        failed = {*writer.failed, *map(recording_of, writer.failed)}
        todo = [
            item
            for item in items
            if (retry_failed is not True and item.id not in done)
            or (retry_failed is not False and item.id in failed)
        ]
        listed = {item.id for item in items}
        unlisted = sum(not {id_, recording_of(id_)} & listed for id_ in held)
        progress = Progress(len(todo), len(held), unlisted, relabelled)
        on_progress(progress)
        if todo:
            compute(todo, plan, writer, progress, on_progress, held=held)
        return failures_of(items, writer.failed.values())


def failures_of(items: Collection[VideoItem], failures: Iterable[Failure]) -> list[Failure]:
    """Those of these videos and of their windows."""
    listed = {item.id for item in items}
    return [one for one in failures if {one.video, recording_of(one.video)} & listed]
