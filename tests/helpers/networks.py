"""Networks to compare backbones with."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def random(*shape: int) -> Tensor:
    """The same standard normal numbers every time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def settle(network: nn.Module, x: Tensor) -> nn.Module:
    """Give batch norms the statistics of ``x``; else random weights make activations vanish."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm3d)]
    for norm in norms:
        norm.momentum = 1.0
    if norms:
        network.train()(x)
    return network.eval()


@torch.inference_mode()
def around(layer: nn.Module, network: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """What ``layer`` is given when ``network`` runs its own forward, and what that returns."""
    given: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    output = network(x)
    handle.remove()
    return given[0].flatten(1), output
