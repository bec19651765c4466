"""Feature files of random numbers at the size of UCF -> HMDB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from feature_files import recipe

from tcon.cache import FeatureWriter, Snippets, Video

SOURCE, TARGET, TEST, CLASSES = 1438, 840, 360, 12  # videos of UCF101 and HMDB51
SNIPPETS, DIM = 32, 1024


def write_both(folder: Path, *, modalities: Sequence[str] = ("rgb",)) -> tuple[Path, Path]:
    """A source and a target of ``SNIPPETS`` x ``DIM`` for each video; only the source has labels
    that count."""
    source, target = folder / "source.h5", folder / "target.h5"
    _write(source, ["train"] * SOURCE, modalities, seed=0)
    _write(target, ["train"] * TARGET + ["test"] * TEST, modalities, seed=1)
    return source, target


def _write(path: Path, splits: list[str], modalities: Sequence[str], *, seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = recipe(dim=DIM)
    with FeatureWriter(path, dict.fromkeys(modalities, made)) as writer:
        for n, split in enumerate(splits):
            video = Video(f"v{n:04d}.mp4", f"class{n % CLASSES:02d}", split, "", 100, 25.0)
            snippets = {
                modality: Snippets(
                    rng.random((SNIPPETS, DIM), np.float32).astype(np.float16), np.arange(SNIPPETS)
                )
                for modality in modalities
            }
            writer.add(video, snippets)
