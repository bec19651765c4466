"""Feature files that tests of `adapt` and `evaluate` make without any video."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tcon.cache import FeatureWriter, Recipe, Snippets, Video
from tcon.cache.recipe import Preprocessing, Sampling

CLASSES = ("jump", "run", "sit")


def recipe(**changes: object) -> Recipe:
    fields = {
        "backbone": "toy",
        "weights": "toy",
        "weights_sha256": "0",
        "layer": "pool",
        "dim": 12,
        "preprocessing": Preprocessing(),
        "snippet_length": 1,
        "sampling": Sampling("uniform", 8),
        "precision": "fp32",
    }
    return Recipe(**{**fields, **changes})


def write_domain(
    path: Path,
    *,
    videos: int = 12,
    splits: tuple[str, ...] = ("train", "train", "test"),
    labels: list[str] | None = None,
    shift: float = 0.0,
    snippets: int = 8,
    seed: int = 0,
    modalities: tuple[str, ...] = ("rgb",),
    **changes: object,
) -> Path:
    """Videos whose features are their class's direction plus noise and a domain shift.

    ``labels`` replaces the labels that are written, not the features.
    """
    rng = np.random.default_rng(seed)
    made = recipe(**changes)
    prototypes = np.abs(np.random.default_rng(99).normal(size=(len(CLASSES), made.dim)))
    with FeatureWriter(path, dict.fromkeys(modalities, made)) as writer:
        for n in range(videos):
            features = prototypes[n % 3] + 0.2 * rng.normal(size=(snippets, made.dim)) + shift
            label = CLASSES[n % 3] if labels is None else labels[n]
            video = Video(f"v{n:03d}.mp4", label, splits[n // 3 % len(splits)], "", 100, 25.0)
            snip = Snippets(features.clip(0).astype(np.float16), np.arange(snippets))
            writer.add(video, dict.fromkeys(modalities, snip))
    return path
