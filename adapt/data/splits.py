"""Which videos a run trains on, validates on and is tested on.

Target labels decide here which videos belong to the task, and go no further.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...cache import InputError, Video
from ...cache.parts import recording_of
from ..config.training import TargetPool
from ..tasks.task import Task

_HELD_OUT_SEED = 0  # the same for all runs: seeds and methods are validated on the same videos


@dataclass(frozen=True)
class Splits:
    """Rows of a domain's videos, by what they are for.

    Args:
        source_train, source_val, target_train, target_test: rows; ``source_val`` may be empty.
        source_class: class index of every source video [N], None outside the task.
    """

    source_train: list[int]
    source_val: list[int]
    target_train: list[int]
    target_test: list[int]
    source_class: list[int | None]

    @property
    def protocol(self) -> str:
        """``inductive`` where target test videos are not adapted on, else ``transductive``."""
        shared = set(self.target_train) & set(self.target_test)
        return "transductive" if shared else "inductive"


def split_videos(
    source: Sequence[Video],
    target: Sequence[Video],
    task: Task,
    *,
    holdout: float = 0.0,
    pool: TargetPool = "task",
) -> Splits:
    """Choose the task's videos.

    Training uses the split ``train``, or every video where there is no such split. The target is
    tested on ``test``, else ``val``, else on what it was adapted to. The source is validated on
    ``val``, else ``test``, else on a part of its training videos that training then never sees.

    Args:
        source, target: all videos of both domains.
        task: the classes.
        holdout: share of each class of an unsplit source that validates.
        pool: adapt on target videos of the ``task``'s classes, or on ``all``.

    Raises:
        InputError: a domain has no video left.
    """
    source_class = [task.source.get(video.label) for video in source]
    train = _rows(source, source_class, "train", "")
    if not train:
        raise InputError("no source training video belongs to one of the task's classes")
    task.check_source({source_class[n] for n in train}, {video.label for video in source})
    val = _rows(source, source_class, "val", "test")
    if not val or set(val) & set(train):  # no split was kept from training
        val = _held_out(train, source_class, [video.id for video in source], holdout)
        train = [n for n in train if n not in set(val)]

    pool_rows, test = target_rows(target, task, pool=pool)
    if not pool_rows or not test:
        raise InputError("no target training video belongs to one of the task's classes")
    return Splits(train, val, pool_rows, test, source_class)


def target_rows(
    target: Sequence[Video], task: Task, *, pool: TargetPool = "task"
) -> tuple[list[int], list[int]]:
    """The target's part of `split_videos`: rows to adapt on and rows to test."""
    classes = [task.target_index(video.label) for video in target]
    test = _rows(target, classes, "test", "val") or _rows(target, classes, "train", "")
    return _rows(target, classes, "train", "", all_classes=pool == "all"), test


def _rows(
    videos: Sequence[Video], classes: list[int | None], *splits: str, all_classes: bool = False
) -> list[int]:
    """The task's videos of the first of ``splits`` that there is; "" is every video."""
    known = {video.split for video in videos} | {""}
    split = next((split for split in splits if split in known), None)
    return [
        n
        for n, video in enumerate(videos)
        if split in ("", video.split) and (all_classes or classes[n] is not None)
    ]


def _held_out(
    rows: list[int], classes: list[int | None], ids: list[str], share: float
) -> list[int]:
    """A share of each class, at least one video; a class's only video stays in training. Windows
    of one recording stay together."""
    chosen = []
    shown = {label for n in rows if (label := classes[n]) is not None}
    for label in sorted(shown) if share else ():
        by_recording: dict[str, list[int]] = {}
        for n in rows:
            if classes[n] == label:
                by_recording.setdefault(recording_of(ids[n]), []).append(n)
        members = list(by_recording.values())
        count = min(max(1, round(share * len(members))), len(members) - 1)
        order = np.random.default_rng((_HELD_OUT_SEED, label)).permutation(len(members))
        chosen += [n for place in order[:count] for n in members[place]]
    return sorted(chosen)
