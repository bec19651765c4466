"""Open the data that a grid's runs are trained on: cached features or, end to end, clips."""

from __future__ import annotations

import torch

from .config.grid import Grid
from .data.cached_store import CachedStore
from .data.store import Store
from .end_to_end.decoding import Decoding
from .events import CountingVideos, OnEvent


def open_store(
    grid: Grid,
    device: torch.device,
    decoding: Decoding | None = None,
    *,
    on_event: OnEvent = lambda event: None,
) -> Store:
    """What the runs of a grid are trained on.

    Args:
        grid: its runs are all of one mode.
        device: where runs want the features.
        decoding: of clips, end to end.
        on_event: called with `CountingVideos`.

    Raises:
        InputError: a file is missing or empty, or the task is wrong.
    """
    if not grid.end_to_end:
        return CachedStore(
            grid.source,
            grid.target,
            task=grid.task,
            device=device,
            exact_labels=grid.exact_labels,
        )
    from .end_to_end.opening import open_clips  # the cached mode must not need decoders

    return open_clips(
        grid,
        device,
        decoding or Decoding(),
        on_progress=lambda listed, progress: on_event(CountingVideos(listed, progress)),
    )


def preview_store(grid: Grid, decoding: Decoding | None = None) -> Store | None:
    """The same for a dry run; None where videos have to be decoded first.

    Raises:
        InputError: as of `open_store`.
    """
    if not grid.end_to_end:
        return open_store(grid, torch.device("cpu"))
    from .end_to_end.opening import preview_clips

    return preview_clips(grid, decoding or Decoding())
