"""Open the data of an end-to-end grid: feature files, or lists and folders of videos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from ...cache import FeatureFile
from ...cache.errors import InputError
from ...extract.features.sink import Progress
from ..config.grid import Grid
from ..training.processes import Processes
from .clips.kept_flow import flow_recipe
from .decoding import FEATURE_FILES, Decoding
from .lists import check_videos, videos_file
from .store import ClipStore


def open_clips(
    grid: Grid,
    device: torch.device,
    decoding: Decoding,
    *,
    on_progress: Callable[[Path, Progress], None] = lambda listed, progress: None,
) -> ClipStore:
    """What the grid's runs are trained on; videos of lists are counted first, which takes a while.

    Args:
        grid: of end-to-end runs.
        device: where runs train.
        decoding: of clips.
        on_progress: called with a list before its videos are counted and after each of them.

    Raises:
        InputError: no such list or file, or both domains name the same videos.
    """
    processes = Processes.join(device)
    given = grid.source, grid.target
    files = [
        videos_file(
            path, processes, workers=decoding.workers, on_progress=partial(on_progress, path)
        )
        for path in given
    ]
    if files[0] == files[1] and grid.source.resolve() != grid.target.resolve():
        raise InputError(
            f"{grid.source} and {grid.target} name the same videos: name another target, or one "
            "of them twice if that is meant"
        )
    store = _store(replace(grid, source=files[0], target=files[1]), device, decoding)
    store.unreadable = {
        f"{listed}: {failure.video}": failure.reason
        for listed, file in zip(given, files, strict=True)
        if listed != file
        for failure in FeatureFile(file).failures
    }
    return store


def preview_clips(grid: Grid, decoding: Decoding) -> ClipStore | None:
    """The same without decoding anything: None where lists have to be decoded first.

    Raises:
        InputError: what `open_clips` would refuse, as far as that can be known.
    """
    flow_recipe(decoding.kept_flow, decoding.flow_engine)
    for path in (grid.source, grid.target):
        check_videos(path)
    if not all(_is_feature_file(path) for path in (grid.source, grid.target)):
        return None
    return _store(grid, torch.device("cpu"), decoding)


def _store(grid: Grid, device: torch.device, decoding: Decoding) -> ClipStore:
    return ClipStore(
        grid.source,
        grid.target,
        task=grid.task,
        device=device,
        decoding=decoding,
        exact_labels=grid.exact_labels,
    )


def _is_feature_file(path: Path) -> bool:
    return path.suffix in FEATURE_FILES
