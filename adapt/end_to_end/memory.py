"""How much memory a training step needs, told before the first one, and how much of a batch fits.

What autograd keeps for the backward pass is counted on the meta device: no memory, no arithmetic.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_WEIGHTS = 4  # copies in float32: the weights, their gradients and Adam's two moments
_SHARE = 0.8  # of the free memory that a step may take: workspaces and fragmentation need the rest
_CPU_MICRO_BATCH = 4  # larger ones are not faster there


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
        if device.type != "cuda":
            return min(_CPU_MICRO_BATCH, videos)
        free = _SHARE * torch.cuda.mem_get_info(device)[0] - self.fixed
        return int(min(max(free // self.per_video, 1), videos))


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
