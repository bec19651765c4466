"""Domain distances before and after adaptation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .layout import Block, Heading, Table, Text

if TYPE_CHECKING:
    from ..scores.distances import Distance  # it needs scikit-learn

_HOW = """\
Between source training and target test videos, before G_f (features as the run standardised them)
and after it. Proxy A-distance is 0 where a linear classifier can only guess the domain and 2 where
it is always right; in brackets, where the source has validation videos, that between source
training and source validation videos, which is memory of the training videos, not domain. MMD² is
the squared multi-kernel MMD, in brackets that between equal domains (videos dealt at random).
Videos are their segments side by side, or their mean where K differs."""


def distance_blocks(transfers: Mapping[str, Mapping[str, Sequence[Distance]]]) -> list[Block]:
    """A table per transfer, with a row per run and level.

    Args:
        transfers: by ``source -> target``, names of runs and their distances.
    """
    head = ["run", "level", "A-distance before", "after", "MMD² before", "after"]
    blocks: list[Block] = []
    for transfer, runs in transfers.items():
        rows = []
        for name, distances in runs.items():
            at = {(d.level, d.stage): d for d in distances}
            for level in ("segments", "videos"):
                both = [at[level, stage] for stage in ("before", "after")]
                cells = [name, level, *map(_a_distance, both)]
                rows.append([*cells, *(f"{d.mmd:.3f} ({d.shuffled:.3f})" for d in both)])
        blocks += [Heading(f"{transfer}: domain distance"), Table(head, rows)]
    return [*blocks, Text(_HOW)]


def _a_distance(distance: Distance) -> str:
    floor = "" if distance.floor is None else f" ({distance.floor:.2f})"
    return f"{distance.a_distance:.2f}{floor}"
