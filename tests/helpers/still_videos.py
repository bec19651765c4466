"""Domains of videos whose frames are all alike: every clip of one has the same features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("run", "jump")


def write_still_videos(folder: Path, *, seed: int, train: int = 4, test: int = 2) -> Path:
    """A folder ``split/class/video`` of frame folders, ``train`` and ``test`` videos of each class.

    A class has a colour of its own, and a video a grain of its own.
    """
    rng = np.random.default_rng(seed)
    for number, label in enumerate(CLASSES):
        for split, videos in (("train", train), ("test", test)):
            for n in range(videos):
                video = folder / split / label / f"{n}"
                video.mkdir(parents=True)
                grain = rng.integers(0, 150, (36, 36, 3))
                grain[..., number] += 100
                image = Image.fromarray(grain.astype(np.uint8))
                for frame in range(16):
                    image.save(video / f"{frame + 1:05d}.png")
    return folder
