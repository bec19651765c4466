"""A backbone that is trained: partial batch norm, 16-bit forward passes, float32 features."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.ops import StochasticDepth

from ...extract.backbones import LoadedBackbone
from ...extract.machine.devices import layout_of, to_channels_last
from ...extract.machine.precision import DTYPES, choose_precision
from ...extract.snippets.transforms import normalise
from .options import BatchNorm

_DROPS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, StochasticDepth)


class TrainedBackbone:
    """Clips in, float32 features out, without dropout: that comes before G_y.

    Args:
        loaded: the backbone, which is moved to the device.
        device: where it computes.
        precision: "auto", "fp32", "bf16" or "fp16"; weights stay float32.
        batch_norm: which batch norms are trained.
        trained: whether any of its parameters are.
    """

    def __init__(
        self,
        loaded: LoadedBackbone,
        device: torch.device,
        *,
        precision: str,
        batch_norm: BatchNorm,
        trained: bool = True,
    ) -> None:
        self.module = loaded.module.to(device)
        to_channels_last(loaded)
        self.preprocessing, self._layout = loaded.spec.preprocessing, layout_of(loaded)
        self.precision = training_precision(precision, device)
        self.device = device
        norms = _frozen_norms(self.module, batch_norm)
        # Features that are dropped or skipped at random would make co-attention noisy (B31).
        drops = [m for m in self.module.modules() if isinstance(m, _DROPS)]
        self._frozen = [*norms, *drops] if trained else [self.module]
        for frozen in norms if trained else [self.module]:
            frozen.requires_grad_(False)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The parameters that are trained."""
        return [p for p in self.module.parameters() if p.requires_grad]

    def train(self) -> None:
        """Set training mode; frozen batch norms keep their statistics."""
        self.module.train()
        for module in self._frozen:
            module.eval()

    def eval(self) -> None:
        """Set prediction mode."""
        self.module.eval()

    def features(self, images: Tensor) -> Tensor:
        """Images [n, C, S, S] or clips [n, c, L, S, S], uint8 levels, to features [n, D]."""
        dtype = DTYPES[self.precision]
        with torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32):
            x = normalise(images, self.preprocessing).to(memory_format=self._layout)
            return self.module(x).float()

    @contextmanager
    def keeping_statistics(self) -> Iterator[None]:
        """Let trained batch norms use the statistics of their batch, but not update their own."""
        kept = []
        for norm in self.module.modules():
            if isinstance(norm, _BatchNorm) and norm.training:
                batches = norm.num_batches_tracked
                kept.append((norm, norm.momentum, None if batches is None else batches.clone()))
                norm.momentum = 0.0
        try:
            yield
        finally:
            for norm, momentum, batches in kept:
                norm.momentum = momentum
                if norm.num_batches_tracked is not None and batches is not None:
                    norm.num_batches_tracked.copy_(batches)


def training_precision(precision: str, device: torch.device) -> str:
    """Resolve "auto": as for extraction, but float32 on a CPU, where 16 bits train more slowly."""
    auto_on_cpu = precision == "auto" and device.type == "cpu"
    return "fp32" if auto_on_cpu else choose_precision(precision, device)


def _frozen_norms(module: nn.Module, how: BatchNorm) -> list[_BatchNorm]:
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]
    return {"partial": norms[1:], "frozen": norms, "trained": []}[how]
