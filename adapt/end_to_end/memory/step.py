"""An estimate of the memory that a training step needs, and of how much of a batch fits.

What autograd keeps for the backward pass is counted, where that can be, on the meta device, which
takes no memory and computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ....cache.common.machine.memory import free_memory

_WEIGHTS = 4  # float32 copies: the weights, and where they are trained gradients and two moments
# The share of the free memory that a step may take; workspaces, fragmentation and decoding need
# the rest.
_SHARE = {"cuda": 0.8, "cpu": 0.5}
_UNKNOWN = 4 * 2**30  # bytes, where the system does not say


@dataclass(frozen=True)
class Need:
    """Bytes that a training step needs.

    Args:
        fixed: weights, gradients, optimiser, the batch's images and features.
        per_image: activations of one image or clip in the backbone.
    """

    fixed: int
    per_image: int

    def of(self, micro_batch: int) -> int:
        """Bytes with this many images in the backbone at once."""
        return self.fixed + self.per_image * micro_batch

    def micro_batch(self, device: torch.device, images: int) -> int:
        """How many of ``images`` fit into the free memory of the device at once, at least 1."""
        free = _SHARE.get(device.type, 0.5) * (free_memory(device) or _UNKNOWN) - self.fixed
        return int(min(max(free // self.per_image, 1), images))


def need(
    backbone: nn.Module,
    others: nn.Module,
    image: tuple[int, ...],
    *,
    of_batch: int,
    bytes_per_value: int = 4,
) -> Need:
    """Estimate what a step needs.

    Args:
        backbone: as in training, on the meta device if it can compute there.
        others: the method.
        image: shape of one image [C, S, S] or clip [c, L, S, S].
        of_batch: images or clips in a batch, those of both domains.
        bytes_per_value: of the backbone's activations.
    """
    parameters = [p for m in (backbone, others) for p in m.parameters()]
    copies = sum(p.numel() * (_WEIGHTS if p.requires_grad else 1) for p in parameters)
    pixels = torch.Size(image).numel()
    return Need(
        fixed=copies * 4 + of_batch * pixels,
        per_image=kept_bytes(backbone, image, bytes_per_value) + pixels * 4,
    )


def kept_bytes(backbone: nn.Module, image: tuple[int, ...], bytes_per_value: int) -> int:
    """What autograd keeps for one image, without the weights. Only floating-point values have
    ``bytes_per_value``: the indices of max pooling are int64."""
    weights = {id(t.untyped_storage()) for t in (*backbone.parameters(), *backbone.buffers())}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if id(storage) not in weights:
            kept[storage._cdata] = tensor
        return tensor

    def size(tensor: Tensor) -> int:
        each = bytes_per_value if tensor.is_floating_point() else tensor.element_size()
        return tensor.untyped_storage().nbytes() // tensor.element_size() * each

    # Two images: batch norm in training refuses a single value of a channel.
    device = next((p.device for p in backbone.parameters()), None)
    x = torch.zeros(2, *image, device=device)
    with _FusedAttention(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        backbone(x)
    return sum(map(size, kept.values())) // 2


class _FusedAttention(TorchFunctionMode):
    """Attention by a fused kernel, as on CPUs and GPUs; on the meta device torch would compute it
    in parts and keep the weights of all pairs of tokens."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is F.scaled_dot_product_attention:
            return _fused(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _fused(query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> Tensor:
    """[n, heads, T, d] of each to [n, heads, T, d]; what else attention takes keeps nothing."""
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(query, key, value)[0]
