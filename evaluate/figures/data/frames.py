"""The frames that a video's segments were made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ....cache import InputError, Video
from ....extract.decoding import DecodeError, is_there, read_frames
from .pairs import PairAttention
from .roots import Roots


@dataclass(frozen=True, eq=False)
class PairFrames:
    """An image [H, W, 3] of each segment of a source and a target video, Ks and Kt of them."""

    source: list[np.ndarray] = field(repr=False)
    target: list[np.ndarray] = field(repr=False)


def pair_frames(pair: PairAttention, roots: Roots) -> PairFrames:
    """Read the frames of a pair of videos.

    Args:
        pair: the videos.
        roots: folder that each domain's paths start at, if its videos have moved.

    Raises:
        InputError: a video is gone or is another one now.
    """
    return PairFrames(
        read_images(pair.source, pair.source_frames, roots.get("source")),
        read_images(pair.target, pair.target_frames, roots.get("target")),
    )


def read_images(video: Video, frames: np.ndarray, root: Path | None = None) -> list[np.ndarray]:
    """Some frames of a video.

    Args:
        video: the row of its feature file.
        frames: frame numbers [K], in any order, perhaps repeated.
        root: folder that relative paths, or else the ids, start at; None for the current one.

    Returns:
        K images [H, W, 3] uint8 RGB.

    Raises:
        InputError: the video is gone or is another one now.
    """
    path = _locate(video, root)
    wanted, place = np.unique(frames, return_inverse=True)

    def choose(total: int) -> np.ndarray:
        if total != video.frames:
            raise InputError(
                f"{path} has {total} frames, not the {video.frames} that its features were "
                "extracted from: it is another video now"
            )
        return wanted

    try:
        images = read_frames(str(path), choose)
    except DecodeError as error:
        raise InputError(f"no frames of {path} can be shown: {error}") from None
    return [images[n] for n in place]


def _locate(video: Video, root: Path | None) -> Path:
    places = [video.path] if root is None else [root / video.path, root / video.id]
    paths = dict.fromkeys(Path(place).resolve() for place in places)
    for path in paths:
        if is_there(path):
            return path
    ran = ", the one where tcon extract ran" if video.decoder else ""  # imports read no video
    raise InputError(
        f"the video {video.id} is not at {' or '.join(map(str, paths))}: name the folder that "
        f'its path starts at{ran} (roots=["DIR"], --root DIR), or each domain\'s (source=DIR, '
        "target=DIR)"
    )
