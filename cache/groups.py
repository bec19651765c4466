"""The groups of a feature file as they are read: checked, so that the rest can rely on them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from .common.records import from_json
from .errors import InputError
from .legacy import recipe_from_texts
from .recipe import Recipe
from .schema import SPLITS, Video


def recipe_of(group: h5py.Group) -> Recipe:
    """How the features of a modality were made.

    Raises:
        Exception: of any kind, for damaged attributes.
    """
    if "recipe" in group.attrs:
        return from_json(Recipe, group.attrs["recipe"])
    values = {k: v.item() if isinstance(v, np.generic) else v for k, v in group.attrs.items()}
    return recipe_from_texts(values)  # up to version 2


def check_videos(videos: list[Video]) -> None:
    """Refuse rows that `writer` cannot have written.

    Raises:
        ValueError: says which.
    """
    if len({video.id for video in videos}) < len(videos):
        raise ValueError("it holds a video twice")
    for video in videos:
        if not video.id or video.split not in SPLITS or video.frames < 0:
            raise ValueError(f"the row of the video '{video.id}' is not valid")


def counts_of(source: Path, group: h5py.Group, videos: list[Video], recipe: Recipe) -> np.ndarray:
    """The snippets of each video of a modality, [n], whose arrays fit each other as `schema` says.

    Raises:
        InputError: the snippets lie in another order than the videos.
        ValueError: the arrays do not fit each other; says which.
    """
    features, frame, start, count = (group[k] for k in ("features", "frame", "start", "count"))
    row = features.shape[1:]
    known = features.dtype == recipe.dtype and len(row) in (1, 2)
    if not known or row[-1] != recipe.dim or 0 in row:
        raise ValueError(
            f"its features are {features.dtype} {list(features.shape)}, by its recipe "
            f"{recipe.dtype} with {recipe.dim} dimensions"
        )
    if any(rows.dtype.kind not in "iu" for rows in (frame, start, count)):
        raise ValueError("its frames or counts are not whole numbers")
    if "time" in group and (group["time"].dtype.kind != "f" or group["time"].shape != frame.shape):
        raise ValueError("its times are not numbers, one of each snippet")
    if start.shape != (len(videos),) or count.shape != (len(videos),):
        raise ValueError(f"its counts are not those of {len(videos)} videos")
    starts, counts = start[()], count[()]  # [n]
    if (wrong := (counts < 1) | (counts > len(features))).any():
        n = int(np.argmax(wrong))
        raise ValueError(f"the video {videos[n].id} has {counts[n]} snippets")
    counts = counts.astype(np.int64)
    if not len(features) == len(frame) == counts.sum():
        raise ValueError(
            f"it has {len(features)} snippets and {len(frame)} frames, its counts sum to "
            f"{counts.sum()}"
        )
    due = np.cumsum(counts) - counts  # behind the video before
    if (moved := starts != due).any():
        n = int(np.argmax(moved))
        raise InputError(
            f"{source} has snippets in another order than videos, which is not read: those of "
            f"{videos[n].id} start at {starts[n]}, not at {due[n]}: write them in that order"
        )
    return counts
