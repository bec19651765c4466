"""One function for the flow of a clip or of pairs, whichever engine computes it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor

from ...cache.errors import InputError, unknown
from ..cores import cores
from .parameters import Parameters

ENGINES = ("auto", "cpu", "cuda", "torch", "opencv")


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
        parameters, engine, threads: see `tvl1_pairs`.

    Returns:
        [T - 1, 2, H, W] float32 on the device of the frames, x and y in pixels from each frame to
        the next.

    Raises:
        InputError: see `tvl1_pairs`.
        ValueError: frames of another shape or type.
    """
    _check("frames", frames)
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
    """Optical flow of pairs of frames by TV-L1; each pair's is the same in any batch.

    Args:
        first, second: [N, H, W] uint8 grey, on one device.
        parameters: of the method; OpenCV's if not given.
        engine: ``cpu``, compiled at first use; ``cuda``, for an NVIDIA GPU; ``torch``, for any
            device; ``opencv``, the reference; ``auto`` picks of the first three by the frames'
            device.
        threads: pairs computed at once by ``cpu`` and ``opencv``; None for one per core.

    Returns:
        [N, 2, H, W] float32 on the device of the frames, x and y in pixels.

    Raises:
        InputError: no such engine, or what it needs is not there.
        ValueError: frames of another shape or type.
    """
    if engine not in ENGINES:
        raise unknown("flow engine", engine, ENGINES)
    _check("first", first)
    _check("second", second)
    if first.shape != second.shape or first.device != second.device:
        raise ValueError(
            f"pairs must be alike, not {list(first.shape)} on {first.device} and "
            f"{list(second.shape)} on {second.device}"
        )
    if engine == "auto":
        engine = _engine_for(first.device)
    if not len(first):
        return torch.empty((0, 2, *first.shape[1:]), device=first.device)
    if engine == "torch":
        from .batched import flow as batch_flow

        return batch_flow(first, second, parameters)[0]
    if engine == "cuda":
        if _engine_for(torch.device("cuda")) != "cuda" or not torch.cuda.is_available():
            raise InputError(
                "the flow engine cuda needs an NVIDIA GPU and Triton: choose auto, which takes "
                "what is there"
            )
        from .cuda import flow as cuda_flow

        device = first.device if first.is_cuda else torch.device("cuda")
        return cuda_flow(first.to(device), second.to(device), parameters)[0].to(first.device)
    if engine == "opencv":
        from .opencv import flow
    else:
        from .cpu import flow

    def pair(images: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return flow(*images, parameters)[0]

    images = zip(first.cpu().numpy(), second.cpu().numpy(), strict=True)
    with ThreadPoolExecutor(threads or cores()) as pool:
        return torch.from_numpy(np.stack(list(pool.map(pair, images)))).to(first.device)


def _check(name: str, frames: Tensor) -> None:
    if frames.ndim != 3 or frames.dtype != torch.uint8:
        raise ValueError(f"{name} must be [T, H, W] uint8, not {list(frames.shape)} {frames.dtype}")


def _engine_for(device: torch.device) -> str:
    """ROCm, too, calls its devices cuda."""
    if device.type == "cuda":
        return "cuda" if find_spec("triton") and not torch.version.hip else "torch"
    return "cpu" if device.type == "cpu" else "torch"
