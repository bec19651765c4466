"""One function for the flow of a clip or of pairs, whichever engine computes it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...cache.common.machine.cores import cores
from ...cache.common.short import short_repr
from ...cache.errors import InputError, unknown
from ...cache.recipe import FlowParameters
from .parameters import budget

ENGINES = ("auto", "cpu", "cuda", "torch", "opencv")
BATCHED = "opencv5"  # the one convention of the engines cuda and torch


class Flows(NamedTuple):
    """The flow of N pairs.

    Args:
        flow: [N, 2, H, W] float32, x and y in pixels.
        early_stopped: pairs that used up ``parameters.budget``, [N] bool.
    """

    flow: Tensor
    early_stopped: Tensor

    def __repr__(self) -> str:
        return short_repr(self)


def tvl1(
    frames: Tensor | np.ndarray,
    *,
    parameters: FlowParameters = FlowParameters(),  # noqa: B008  (frozen)
    engine: str = "auto",
    threads: int | None = None,
) -> Tensor:
    """Optical flow between consecutive frames by TV-L1 (Zach et al. 2007).

    Args:
        frames: [T, H, W] uint8 grey, a tensor or an array of numpy.
        parameters, engine, threads: see `tvl1_pairs`.

    Returns:
        [T - 1, 2, H, W] float32 on the device of the frames, x and y in pixels from each frame to
        the next.

    Raises:
        InputError: see `tvl1_pairs`.
        ValueError: frames of another shape or type.
    """
    frames = _grey_frames("frames", frames)
    return tvl1_pairs(
        frames[:-1], frames[1:], parameters=parameters, engine=engine, threads=threads
    )


def tvl1_pairs(
    first: Tensor | np.ndarray,
    second: Tensor | np.ndarray,
    *,
    parameters: FlowParameters = FlowParameters(),  # noqa: B008  (frozen)
    engine: str = "auto",
    threads: int | None = None,
) -> Tensor:
    """Optical flow of pairs of frames by TV-L1; each pair's is the same in any batch.

    Args:
        first, second: [N, H, W] uint8 grey, tensors on one device or arrays of numpy.
        parameters: of the method; OpenCV's if not given.
        engine: ``cpu``, compiled at first use; ``cuda``, for an NVIDIA GPU; ``torch``, for any
            device; ``opencv``, the reference; ``auto`` picks of the first three by the frames'
            device and the parameters' convention.
        threads: pairs computed at once by ``cpu`` and ``opencv``; None for one per core.

    Returns:
        [N, 2, H, W] float32 on the device of the frames, x and y in pixels.

    Raises:
        InputError: no such engine, what it needs is not there, or it does not follow the
            parameters' convention.
        ValueError: frames of another shape or type.
    """
    return tvl1_flows(first, second, parameters=parameters, engine=engine, threads=threads).flow


def tvl1_flows(
    first: Tensor | np.ndarray,
    second: Tensor | np.ndarray,
    *,
    parameters: FlowParameters = FlowParameters(),  # noqa: B008  (frozen)
    engine: str = "auto",
    threads: int | None = None,
) -> Flows:
    """`tvl1_pairs`, and which pairs were stopped early."""
    first, second = _grey_frames("first", first), _grey_frames("second", second)
    engine = choose_engine(engine, first.device, parameters)
    if first.shape != second.shape or first.device != second.device:
        raise ValueError(
            f"pairs must be alike, not {list(first.shape)} on {first.device} and "
            f"{list(second.shape)} on {second.device}"
        )
    if not len(first):
        none = torch.empty(0, dtype=torch.bool, device=first.device)
        return Flows(torch.empty((0, 2, *first.shape[1:]), device=first.device), none)
    if engine == "torch":
        from .engines.batched import flow as batch_flow

        return _flows(*batch_flow(first, second, parameters), parameters)
    if engine == "cuda":
        from .engines.cuda import flow as cuda_flow

        device = first.device if first.is_cuda else torch.device("cuda")
        flows, spent = cuda_flow(first.to(device), second.to(device), parameters)
        return _flows(flows.to(first.device), spent.to(first.device), parameters)
    if engine == "opencv":
        from .engines.opencv import flow
    else:
        from .engines.cpu import flow

    def pair(images: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, int | None]:
        return flow(*images, parameters)

    images = zip(first.cpu().numpy(), second.cpu().numpy(), strict=True)
    with ThreadPoolExecutor(threads or cores()) as pool:
        flows, spent = zip(*pool.map(pair, images), strict=True)
    found = torch.from_numpy(np.stack(flows)).to(first.device)
    # OpenCV does not tell what it spent, and knows no budget.
    return _flows(found, found.new_tensor([n or 0 for n in spent], dtype=torch.long), parameters)


def choose_engine(engine: str, device: torch.device, parameters: FlowParameters) -> str:
    """Resolve "auto", and check that the engine can do what is asked of it here.

    Args:
        engine: one of `ENGINES`.
        device: of the frames.
        parameters: of the flow.

    Raises:
        InputError: see `tvl1_pairs`.
    """
    if engine not in ENGINES:
        raise unknown("flow engine", engine, ENGINES)
    batched = parameters.convention == BATCHED
    if engine == "auto":
        if device.type == "cpu" or not batched:
            return "cpu"
        return "cuda" if device.type == "cuda" and _triton() else "torch"
    if engine == "cuda" and not (torch.cuda.is_available() and _triton()):
        raise InputError(
            "the flow engine cuda needs an NVIDIA GPU and Triton: choose auto, which takes what "
            "is there"
        )
    if engine in ("cuda", "torch") and not batched:
        raise InputError(
            f"the flow engine {engine} does not follow the convention {parameters.convention}: "
            "choose the engine cpu"
        )
    if engine == "opencv":
        from .engines.opencv import create

        create(parameters)
    return engine


def _flows(flow: Tensor, spent: Tensor, parameters: FlowParameters) -> Flows:
    """Of the flow [N, 2, H, W] and the pixel iterations spent [N]."""
    return Flows(flow, spent >= budget(parameters, flow[0, 0].numel()))


def _grey_frames(name: str, frames: Tensor | np.ndarray) -> Tensor:
    if isinstance(frames, np.ndarray):
        # Also of an array that is read-only or runs backwards.
        frames = torch.from_numpy(np.require(frames, requirements=["C", "W"]))
    if frames.ndim != 3 or frames.dtype != torch.uint8:
        raise ValueError(f"{name} must be [T, H, W] uint8, not {list(frames.shape)} {frames.dtype}")
    return frames


def _triton() -> bool:
    """ROCm, too, calls its devices cuda."""
    return bool(find_spec("triton")) and not torch.version.hip
