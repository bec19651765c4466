"""One function for the flow of a clip, whichever engine computes it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ...cache.errors import unknown
from ..cores import cores
from .parameters import Parameters

ENGINES = ("auto", "cpu", "opencv")


def tvl1(
    frames: Tensor,
    *,
    parameters: Parameters = Parameters(),  # noqa: B008  (frozen)
    engine: str = "auto",
    threads: int | None = None,
) -> Tensor:
    """Optical flow between consecutive frames by TV-L1 (Zach et al. 2007).

    Args:
        frames: [T, H, W] uint8 grey.
        parameters: of the method; OpenCV's if not given.
        engine: ``cpu``, compiled at first use; ``opencv``, the reference; ``auto`` is ``cpu``.
        threads: pairs computed at once; None for one per core.

    Returns:
        [T - 1, 2, H, W] float32, x and y in pixels from each frame to the next.

    Raises:
        InputError: no such engine, or its package is not installed.
        ValueError: frames of another shape or type.
    """
    if engine not in ENGINES:
        raise unknown("flow engine", engine, ENGINES)
    if frames.ndim != 3 or frames.dtype != torch.uint8:
        raise ValueError(f"frames must be [T, H, W] uint8, not {list(frames.shape)} {frames.dtype}")
    if engine == "opencv":
        from .opencv import flow
    else:
        from .cpu import flow
    images = frames.numpy()
    if len(images) < 2:
        return torch.empty((0, 2, *frames.shape[1:]))

    def pair(n: int) -> np.ndarray:
        return flow(images[n], images[n + 1], parameters)[0]

    with ThreadPoolExecutor(threads or cores()) as pool:
        return torch.from_numpy(np.stack(list(pool.map(pair, range(len(images) - 1)))))
