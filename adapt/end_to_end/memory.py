"""How much memory a training step needs, told before the first one, and how much of a batch fits.

What autograd keeps for the backward pass is counted on the meta device: no memory, no arithmetic.
"""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_WEIGHTS = 4  # copies in float32: the weights, their gradients and Adam's two moments
# Of the free memory that a step may take; workspaces, fragmentation and decoding need the rest.
_SHARE = {"cuda": 0.8, "cpu": 0.5}
_UNKNOWN = 4 * 2**30  # bytes, where the system does not say


@dataclass(frozen=True)
class Need:
    """Bytes that a training step needs.

    Args:
        fixed: weights, gradients, optimiser, the batch's images and features.
        per_video: activations of one video in the backbone.
    """

    fixed: int
    per_video: int

    def of(self, micro_batch: int) -> int:
        """With so many videos in the backbone at once."""
        return self.fixed + self.per_video * micro_batch

    def micro_batch(self, device: torch.device, videos: int) -> int:
        """How many of ``videos`` fit at once, at least 1."""
        free = _SHARE.get(device.type, 0.5) * _free(device) - self.fixed
        return int(min(max(free // self.per_video, 1), videos))


def _free(device: torch.device) -> int:
    """Bytes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError):  # another system than Linux
        return _UNKNOWN


def need(
    backbone: nn.Module,
    others: nn.Module,
    image: tuple[int, ...],
    *,
    images: int,
    of_batch: int,
    bytes_per_value: int = 4,
) -> Need:
    """What a step needs.

    Args:
        backbone: on any device.
        others: the method.
        image: shape of one image [C, S, S] or clip [c, L, S, S].
        images: of one video, P.
        of_batch: images of a batch, of both domains.
        bytes_per_value: that the backbone computes with.
    """
    parameters = sum(p.numel() for m in (backbone, others) for p in m.parameters())
    pixels = torch.Size(image).numel()
    activations = saved_values(backbone, image) * bytes_per_value + pixels * 4
    return Need(
        fixed=parameters * 4 * _WEIGHTS + of_batch * pixels,
        per_video=activations * images,
    )


def saved_values(backbone: nn.Module, image: tuple[int, ...]) -> int:
    """Values that autograd keeps of one image, without the weights."""
    meta = copy.deepcopy(backbone).to("meta").train()
    weights = {id(p.untyped_storage()) for p in meta.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if id(storage) not in weights:
            kept[storage._cdata] = tensor
        return tensor

    # Two images: batch norm in training refuses a single value of a channel.
    x = torch.empty(2, *image, device="meta", requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        meta(x)
    sizes = (tensor.untyped_storage().nbytes() // tensor.element_size() for tensor in kept.values())
    return sum(sizes) // 2
