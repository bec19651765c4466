"""A backbone that is trained: which of its layers, at what rates, in 16-bit forward passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...cache.errors import InputError
from ...extract.backbones import LoadedBackbone
from ...extract.machine.devices import layout_of, to_channels_last
from ...extract.machine.precision import DTYPES, choose_precision
from ...extract.snippets.transforms import normalise
from .depth import depth_groups, own_parameters
from .options import BatchNorm, EndToEnd


class TrainedBackbone:
    """Clips in, float32 features out, without dropout: that comes before G_y.

    Args:
        loaded: the backbone, which is moved to the device.
        device: where it computes.
        options: what of it is trained, and how; weights stay float32.

    Attributes:
        name: of the backbone.
        depths: how many it has (`depth_groups`).
        first: of them that is trained.
        norms: the batch norms that are trained.

    Raises:
        InputError: every depth is to be frozen.
    """

    def __init__(self, loaded: LoadedBackbone, device: torch.device, options: EndToEnd) -> None:
        self.module = loaded.module.to(device)
        to_channels_last(loaded)
        self.preprocessing, self._layout = loaded.spec.preprocessing, layout_of(loaded)
        self.precision = training_precision(options.precision, device)
        self.device, self.name, self.first = device, loaded.spec.name, options.freeze
        groups = depth_groups(self.module)
        self.depths = len(groups)
        if self.first and self.first >= self.depths:
            raise InputError(
                f"e2e.freeze={options.freeze} leaves nothing of {self.name} to train, which "
                f"has {self.depths} depths: freeze fewer, or all by e2e.backbone_lr=0"
            )
        frozen = {m for group in groups[: self.first] for m in group}
        if not options.backbone_lr:
            frozen.update(self.module.modules())
        frozen.update(_frozen_norms(self.module, options.batch_norm))
        for module in frozen:
            for parameter in own_parameters(module):
                parameter.requires_grad_(False)
        self.norms = [m for m in _norms(self.module) if m not in frozen]
        self._rates: dict[nn.Parameter, float] = {}
        for depth, group in enumerate(groups):
            rate = options.backbone_lr * options.layer_decay ** (self.depths - 1 - depth)
            for parameter in (p for m in group for p in own_parameters(m) if p.requires_grad):
                self._rates.setdefault(parameter, rate)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The parameters that are trained."""
        return list(self._rates)

    @property
    def parameter_groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """The same by rising multiples of the rate, with these."""
        groups: dict[float, list[nn.Parameter]] = {}
        for parameter, rate in self._rates.items():
            groups.setdefault(rate, []).append(parameter)
        return [(members, rate) for rate, members in groups.items()]

    def train(self) -> None:
        """Let trained batch norms learn statistics. All else is as in prediction: features that are
        dropped or skipped at random would make co-attention noisy (B31), and networks of any
        library have layers of their own that do so."""
        self.module.eval()
        for norm in self.norms:
            norm.train()

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
        for norm in self.norms:
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


def depth_note(backbone: TrainedBackbone) -> str:
    """One sentence on what is frozen, and at which rates the rest is trained."""
    rates = [rate for _, rate in backbone.parameter_groups]
    which = "" if backbone.first == 1 else f" {backbone.first}"
    frozen = f"the first{which} frozen, " if backbone.first else ""
    lowest = f"{min(rates):.2g} to " if min(rates) < max(rates) else ""
    return (
        f"{backbone.name} has {backbone.depths} depths: {frozen}trained at {lowest}{max(rates):g} "
        "times train.lr."
    )


def synchronised(module: nn.Module, name: str) -> nn.Module:
    """The module with batch norms that use the statistics of all GPUs.

    Args:
        module: a backbone; it may be changed.
        name: of the backbone.

    Raises:
        InputError: a library's own kind of batch norm, in whose place torch would put its own.
    """
    for kind in map(type, _norms(module)):
        if not kind.__module__.startswith("torch."):
            raise InputError(
                f"e2e.sync_bn: the batch norms of {name} ({kind.__name__}) cannot share their "
                "statistics: leave it out"
            )
    return nn.SyncBatchNorm.convert_sync_batchnorm(module)


def _norms(module: nn.Module) -> list[_BatchNorm]:
    return [m for m in module.modules() if isinstance(m, _BatchNorm)]


def _frozen_norms(module: nn.Module, how: BatchNorm) -> list[_BatchNorm]:
    norms = _norms(module)
    return {"partial": norms[1:], "frozen": norms, "trained": []}[how]
