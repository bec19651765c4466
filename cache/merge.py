"""Merge a feature file and its parts into one HDF5 file, a video at a time."""

from __future__ import annotations

from collections.abc import Sequence

import h5py
import numpy as np

from .common.records import to_json
from .files import existing_file
from .reader import FeatureFile
from .schema import Failure, Video
from .tables import write_table


def merge(file: FeatureFile, h5: h5py.File, *, videos: Sequence[Video] | None = None) -> None:
    """Write all that ``file`` reads into ``h5``, in the order of the videos' ids.

    The result depends on what was extracted, not on which video was finished first. Memory holds
    one video's features at a time.

    Args:
        file: to read.
        h5: to write.
        videos: their rows, if not those of ``file``: the same ids with other labels.
    """
    write_table(h5, "videos", file.videos if videos is None else videos, Video)
    write_table(h5, "failures", file.failures, Failure)
    places = np.argsort(file.order)  # of the videos in the sequence of the sources
    for modality, recipe in file.recipes.items():
        group = h5.create_group(modality)
        group.attrs["recipe"] = to_json(recipe)
        count = file.counts(modality)
        stop = np.cumsum(count)
        start = stop - count
        group.create_dataset("start", data=start)  # [N]
        group.create_dataset("count", data=count)  # [N]
        shape = (int(count.sum()), *_row_shape(file, modality))
        features = group.create_dataset("features", shape, recipe.dtype)  # [S, D] or [S, V, D]
        frame = group.create_dataset("frame", shape[:1], np.int64)  # [S]
        time = group.create_dataset("time", data=np.full(shape[:1], np.nan))  # [S]
        taken = iter(places)
        for source, fresh in file.sources:
            with existing_file(source) as part:
                rows = part[modality]
                old_features, old_frame = rows["features"], rows["frame"]
                for first, n in zip(rows["start"][fresh], rows["count"][fresh], strict=True):
                    place = next(taken)
                    features[start[place] : stop[place]] = old_features[first : first + n]
                    frame[start[place] : stop[place]] = old_frame[first : first + n]
                    if "time" in rows:  # older files lack it
                        time[start[place] : stop[place]] = rows["time"][first : first + n]


def _row_shape(file: FeatureFile, modality: str) -> tuple[int, ...]:
    """(D,) or (V, D); an empty file that waits for its first part does not know V."""
    shapes = []
    for source, _ in file.sources:
        with existing_file(source) as part:
            shapes.append(part[modality]["features"].shape)
    return next((shape[1:] for shape in shapes if shape[0]), shapes[0][1:])
