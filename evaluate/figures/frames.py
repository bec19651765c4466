"""The frames that a video's segments were made of, for figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from ...adapt.data.domains import Videos
from ...adapt.inference.feature_files import Domain
from ...cache import InputError, Video
from ...extract.decoding import DecodeError, is_there, read_frames
from ..runs.embeddings import Trained

Roots = Mapping[Domain, Path]


def parse_roots(texts: Sequence[str]) -> Roots:
    """``DIR`` for both domains, or ``source=DIR`` and ``target=DIR``.

    Raises:
        InputError: there is no such folder, or a domain has two.
    """
    roots: dict[Domain, Path] = {}
    for text in texts:
        name, _, folder = text.partition("=")
        both = name not in get_args(Domain)
        if not (text if both else folder):
            raise InputError(f"--root {text}: name a folder, as DIR or source=DIR")
        path = Path(text if both else folder)
        if not path.is_dir():
            raise InputError(f"--root {text}: there is no folder {path}")
        for domain in get_args(Domain) if both else (name,):
            if domain in roots:
                raise InputError(
                    f"--root names two folders for the {domain}: "
                    "write --root source=DIR --root target=DIR"
                )
            roots[domain] = path
    return roots


def segment_frames(trained: Trained, domain: Domain, videos: Videos) -> np.ndarray:
    """The centre frame of the central snippet of each segment.

    Args:
        trained: the run.
        domain: whose videos.
        videos: [n].

    Returns:
        frame numbers [n, K]; a video with fewer snippets than segments repeats some.
    """
    k, m = trained.segments(domain), trained.method.snippets
    rows = videos.snippets(torch.arange(len(videos)), k * m)  # [n, K m]
    central = rows.view(-1, k, m)[:, :, m // 2]  # [n, K]
    return trained.files[domain].packed(trained.config.modality).frame[central.numpy()]


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
        f"the video {video.id} is not at {' or '.join(map(str, paths))}: name by --root DIR the "
        f"folder that its path starts at{ran}, or each domain's by --root source=DIR --root "
        "target=DIR"
    )
