"""Features as a plain npz for other tools: all snippets, or one of each of K segments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ...adapt.data.domains import Videos
from ...cache import FeatureFile, Packed
from ...cache.common.files.writing import new_whole_file, write_errors
from .outputs import require_npz_output


def export_npz(
    file: str | Path, output: Path, *, modality: str = "rgb", segments: int | None = None
) -> int:
    """Write a feature file's videos in the order of their ids, without pickles.

    The arrays are ``ids``, ``labels``, ``splits`` [N]; without ``segments``, ``features`` [S, D]
    as stored, ``frame`` [S] and ``start``, ``count`` [N], of which video n owns
    ``start[n] : start[n] + count[n]``; with them, ``features`` [N, K, D] and ``frame`` [N, K]. Of
    several views the first, the centre crop, is written.

    Args:
        file: the feature file.
        output: the npz; it appears when it is complete.
        modality: whose features.
        segments: K; takes the snippets that evaluation takes, the central one of each segment.

    Returns:
        how many videos were written.

    Raises:
        InputError: no such modality or folder, or the output is no npz or cannot be written.
    """
    require_npz_output(output)
    features = FeatureFile(file)
    packed = features.packed(modality)
    rows = packed.features if packed.features.ndim == 2 else packed.features[:, 0]  # [S, D]
    arrays: dict[str, np.ndarray] = {
        "ids": np.array([video.id for video in features.videos], dtype=str),
        "labels": np.array([video.label for video in features.videos], dtype=str),
        "splits": np.array([video.split for video in features.videos], dtype=str),
    }
    if segments is None:
        arrays |= {"features": rows, "frame": packed.frame}
        arrays |= {"start": packed.start, "count": packed.count}
    else:
        chosen = _central_snippets(packed, segments)  # [N, K]
        arrays |= {"features": rows[chosen], "frame": packed.frame[chosen]}
    with write_errors(output), new_whole_file(output) as written:
        np.savez(written, **arrays)  # type: ignore[arg-type]  # its stub has another keyword
    return len(features.videos)


def _central_snippets(packed: Packed, segments: int) -> np.ndarray:
    """The snippets that evaluation takes, [N, K]."""
    videos = Videos(
        ids=(),
        features=torch.empty(0),
        start=torch.from_numpy(packed.start),
        count=torch.from_numpy(packed.count),
        labels=None,
    )
    return videos.snippets(torch.arange(len(packed.start)), segments).numpy()
