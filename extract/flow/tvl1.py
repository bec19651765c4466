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
    return tvl1_pairs(
        frames[:-1], frames[1:], parameters=parameters, engine=engine, threads=threads
    )


def tvl1_pairs(
    first: Tensor,
    second: Tensor,
    *,
    parameters: Parameters = Parameters(),  # noqa: B008  (frozen)
    engine: str = "auto",
    threads: int | None = None,
) -> Tensor:
    """`tvl1` of any pairs of frames: [N, H, W] twice to [N, 2, H, W]."""
    if engine not in ENGINES:
        raise unknown("flow engine", engine, ENGINES)
    for frames in (first, second):
        if frames.ndim != 3 or frames.dtype != torch.uint8:
            raise ValueError(
                f"frames must be [N, H, W] uint8, not {list(frames.shape)} {frames.dtype}"
            )
    if engine == "opencv":
        from .opencv import flow
    else:
        from .cpu import flow
    if not len(first):
        return torch.empty((0, 2, *first.shape[1:]))

    def pair(images: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return flow(*images, parameters)[0]

    with ThreadPoolExecutor(threads or cores()) as pool:
        flows = pool.map(pair, zip(first.numpy(), second.numpy(), strict=True))
        return torch.from_numpy(np.stack(list(flows)))
