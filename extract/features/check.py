"""What a backbone sees in a video, and what it costs: shows whether videos are fed to it correctly.

It says which classes its own classifier finds; without one, whether features change slowly.
"""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor

from ...cache.errors import InputError
from ..backbones import LoadedBackbone
from ..backbones.classes import class_names
from ..decoding import DecodeError, is_there
from ..decoding.pool import DecodePool
from ..decoding.server import decoding_soon
from ..lists.videos import VideoItem
from ..machine.devices import Devices
from ..machine.machine import Machine
from ..machine.precision import DTYPES
from ..snippets.passing import Chunk
from ..snippets.reading import Reading
from .neighbours import Neighbours, neighbours
from .options import ExtractOptions
from .plan import Plan


@dataclass(frozen=True)
class BatchCost:
    """What one batch costs on the device that computes it.

    Args:
        snippets: of the batch.
        seconds: that it takes.
        bytes: the most memory that was in use: of the GPU, or of the whole process on a CPU.
        on_gpu: which of the two.
    """

    snippets: int
    seconds: float
    bytes: int
    on_gpu: bool


@dataclass(frozen=True)
class Checked:
    """What `check_video` finds.

    Args:
        shape: of one snippet.
        dim: feature dimensions, D.
        classes: the most probable ones and their probabilities; () without a classifier.
        neighbours: of the snippets.
        cost: of a batch.
    """

    shape: tuple[int, ...]
    dim: int
    classes: tuple[tuple[str, float], ...]
    neighbours: Neighbours
    cost: BatchCost


def check(
    snippets: Tensor,
    backbone: LoadedBackbone,
    *,
    top: int = 5,
    device: torch.device = torch.device("cpu"),  # noqa: B008  (immutable)
    precision: str = "fp32",
    batch_size: int = 8,
) -> Checked:
    """What a backbone makes of a video, fed by what feeds it in an extraction.

    Args:
        snippets: of one video, resized and cropped: images [n, 3, H, W], clips [n, 3, L, H, W] or
            flow [n, 10, H, W], uint8.
        backbone: with its published weights, or a checkpoint.
        top: how many classes; probabilities are the mean over the snippets, and classes without a
            known name are called "class 17".
        device: that computes.
        precision: fp32, bf16 or fp16.
        batch_size: snippets per forward pass.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    size = min(batch_size, len(snippets))
    with Devices({"rgb": backbone}, [device], DTYPES[precision]) as devices:
        features, seconds = _features(snippets, devices, size)
    return Checked(
        shape=tuple(snippets.shape[1:]),
        dim=features.shape[1],
        classes=classes_of(features, backbone, top=top),
        neighbours=neighbours(features),
        cost=BatchCost(size, seconds, _peak_bytes(device), device.type == "cuda"),
    )


@torch.inference_mode()
def classes_of(
    features: Tensor, backbone: LoadedBackbone, *, top: int
) -> tuple[tuple[str, float], ...]:
    """The most probable classes of a video's features [n, D]; () without a classifier."""
    if backbone.classifier is None:
        return ()
    weight, bias = backbone.classifier
    logits = features @ weight.T + bias  # [n, C]
    probabilities = logits.softmax(1).mean(0)  # [C]
    best = probabilities.topk(min(top, len(bias)))
    named = _names(backbone)
    return tuple(
        (named[index] if named else f"class {index}", probability)
        for probability, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    )


def _features(snippets: Tensor, devices: Devices, batch_size: int) -> tuple[Tensor, float]:
    """Features [n, D], and the seconds that the last full batch took."""
    features, seconds = [], 0.0
    for batch in snippets.split(batch_size):
        start = perf_counter()
        features.append(devices.submit("rgb", batch).result().features)
        seconds = perf_counter() - start if len(batch) == batch_size or not seconds else seconds
    return torch.cat(features), seconds


def _names(backbone: LoadedBackbone) -> list[str]:
    """Of the published weights alone: nobody knows another checkpoint's classes."""
    published = backbone.published
    if published is None:
        return []
    return list(published.classes) or class_names(published.name)


def check_video(
    path: Path, options: ExtractOptions, machine: Machine | None = None, *, top: int = 5
) -> Checked:
    """Look at a video, sampled and fed as `extract` does.

    Raises:
        InputError: no such video, one that does not decode, or random weights.
    """
    if not is_there(path):
        raise InputError(f"no such video: {path} (--check takes one video)")
    if options.weights == "random":
        raise InputError("random weights recognise nothing: leave out --weights")
    machine = machine or Machine()
    with decoding_soon(Reading, workers=1):  # its process starts while the backbone is loaded
        plan = Plan.make(replace(options, modalities=("rgb",)), machine)
        item = VideoItem(path.name, path, "", "")
        chunks = []
        with DecodePool(plan.reading, workers=1, time_limit=machine.time_limit) as pool:
            for _, answer in filter(None, pool.stream([item])):
                if isinstance(answer, DecodeError):
                    raise InputError(f"{path}: {answer}")
                if isinstance(answer, Chunk):
                    chunks.append(answer.snippets)
    return check(
        torch.cat(chunks)[:, 0],  # the centre view, [n, 3, S, S]
        plan.backbones["rgb"],
        top=top,
        device=plan.devices[0],
        precision=plan.precision,
        batch_size=plan.batch_size,
    )


def _peak_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
