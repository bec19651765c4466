"""Feature files as large as those of a real benchmark, made in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tcon.cache import Recipe, Video
from tcon.cache.common.records import to_json
from tcon.cache.files import new_file
from tcon.cache.recipe import Preprocessing, Sampling
from tcon.cache.schema import Failure
from tcon.cache.tables import write_table

CLASSES = 12
_BLOCK = 4096  # rows of random numbers, which repeat


def write_large(path: Path, *, videos: int, snippets: int, dim: int, seed: int = 0) -> Path:
    """A feature file of random numbers, laid out as `tcon extract` does."""
    recipe = Recipe(
        backbone="random",
        weights="random",
        weights_sha256="0",
        layer="pool",
        dim=dim,
        preprocessing=Preprocessing(),
        snippet_length=1,
        sampling=Sampling("uniform", snippets),
        precision="fp32",
    )
    rows = videos * snippets
    block = np.random.default_rng(seed).random((_BLOCK, dim), np.float32).astype(np.float16)
    with new_file(path, size=2 * rows * dim + 300 * videos + 2**20) as h5:
        listed = [
            Video(
                f"{n:07d}.mp4", f"class{n % CLASSES}", ("train", "test")[n % 5 == 4], "", 99, 25.0
            )
            for n in range(videos)
        ]
        write_table(h5, "videos", listed, Video)
        write_table(h5, "failures", [], Failure)
        group = h5.create_group("rgb")
        group.attrs["recipe"] = to_json(recipe)
        group["start"] = np.arange(videos) * snippets  # [N]
        group["count"] = np.full(videos, snippets)  # [N]
        group["frame"] = np.tile(np.arange(snippets), videos)  # [S]
        features = group.create_dataset("features", (rows, dim), np.float16)  # [S, D]
        for first in range(0, rows, _BLOCK):
            features[first : first + _BLOCK] = block[: rows - first]
    return path
