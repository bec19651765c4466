"""A backbone that is trained: partial batch norm, 16-bit forward passes, float32 features."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...cache.errors import InputError
from ...extract.backbones import LoadedBackbone
from ...extract.machine.devices import layout_of, to_channels_last
from ...extract.machine.precision import DTYPES, choose_precision
from ...extract.snippets.transforms import normalise
from .depth import depth_groups, parameters_by_depth
from .options import BatchNorm


class TrainedBackbone:
    """Clips in, float32 features out, without dropout: that comes before G_y.

    Args:
        loaded: the backbone, which is moved to the device.
        device: where it computes.
        precision: "auto", "fp32", "bf16" or "fp16"; weights stay float32.
        batch_norm: which batch norms are trained.
        layer_decay: share of a block's rate that the block before has.
        freeze: groups of layers, from the input on, that are not trained.
        trained: whether any of its parameters are.

    Raises:
        InputError: the backbone has no blocks to give rates to, or no more than are frozen.
    """

    def __init__(
        self,
        loaded: LoadedBackbone,
        device: torch.device,
        *,
        precision: str,
        batch_norm: BatchNorm,
        layer_decay: float = 1.0,
        freeze: int = 0,
        trained: bool = True,
    ) -> None:
        self.module = loaded.module.to(device)
        to_channels_last(loaded)
        self.preprocessing, self._layout = loaded.spec.preprocessing, layout_of(loaded)
        self.precision = training_precision(precision, device)
        self.device = device
        norms = _frozen_norms(self.module, batch_norm)
        # Features that are dropped or skipped at random would make co-attention noisy (B31).
        drops = [m for m in self.module.modules() if _drops(m)]
        self._frozen = [*norms, *drops] if trained else [self.module]
        for frozen in norms if trained else [self.module]:
            frozen.requires_grad_(False)
        self._layer_decay = layer_decay
        self._groups = parameters_by_depth(self.module)
        if layer_decay < 1 or freeze:
            self._require_blocks(loaded.spec.name, freeze)
        for layers in depth_groups(self.module)[:freeze]:
            self._frozen += layers
        for parameter in chain.from_iterable(self._groups[:freeze]):
            parameter.requires_grad_(False)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The parameters that are trained."""
        return [p for p in self.module.parameters() if p.requires_grad]

    @property
    def rates(self) -> list[tuple[list[nn.Parameter], float]]:
        """The parameters that are trained, each group with its share of the backbone's rate."""
        if self._layer_decay == 1:
            return [(self.parameters, 1.0)]
        last = len(self._groups) - 1
        trained = [[p for p in group if p.requires_grad] for group in self._groups]
        return [(g, self._layer_decay ** (last - n)) for n, g in enumerate(trained) if g]

    def _require_blocks(self, name: str, freeze: int) -> None:
        blocks = len(self._groups)
        if blocks == 1:
            raise InputError(
                f"the layers of {name} are in no order that tcon knows: leave out "
                "e2e.layer_decay and e2e.freeze"
            )
        if freeze >= blocks:
            raise InputError(
                f"e2e.freeze={freeze}: {name} has {blocks} groups of layers; e2e.backbone_lr=0 "
                "freezes all of it"
            )

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


def _drops(module: nn.Module) -> bool:
    """Whether it drops something at random: every library has classes of its own for that."""
    name = type(module).__name__
    return "Drop" in name or name == "StochasticDepth"


def _frozen_norms(module: nn.Module, how: BatchNorm) -> list[_BatchNorm]:
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]
    return {"partial": norms[1:], "frozen": norms, "trained": []}[how]
