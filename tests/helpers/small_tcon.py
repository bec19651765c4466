"""A small TCoN, or an ablation of it, and one step of it on a small batch."""

from __future__ import annotations

import torch
from torch import Tensor

from tcon.adapt.layers.pairs import PairConfig
from tcon.adapt.methods import Losses, Method, Sizes, SourceBatch, build
from tcon.adapt.methods.tcon.discriminators import TconDiscriminatorConfig
from tcon.adapt.methods.tcon.options import PseudoConfig, TconConfig
from tcon.adapt.methods.tcon.plus import TconPlusConfig

BS, BT, D_IN, C = 5, 6, 10, 3
VARIANTS = ("tcon", "tcon-sadnet", "tcon-tadnet", "tcon-coattn", "tcon-attn")
SMALL = TconConfig(
    features=8,
    att_hidden=5,
    dropout=0.5,
    lambda_a=3.0,
    tau=0.1,
    pair=PairConfig(threshold=0.95, max_pairs=7),
    pseudo=PseudoConfig(threshold=0.85),
    disc=TconDiscriminatorConfig(hidden=7, max_segments=20),
)
SMALL_PLUS = TconPlusConfig(**vars(SMALL) | {"lambda_im": 0.7, "ramp": 4.0})


def make(name: str, config: TconConfig = SMALL, ks: int = 4, kt: int = 4) -> Method:
    sizes = Sizes(in_features=D_IN, source_segments=ks, target_segments=kt, classes=C)
    torch.manual_seed(0)
    method = build(name, config, sizes)
    torch.nn.init.normal_(method.classifier.linear.weight, std=3.0)  # TSN's init is almost flat
    return method


def data(ks: int, kt: int) -> tuple[SourceBatch, Tensor]:
    generator = torch.Generator().manual_seed(1)
    source = torch.randn(BS, ks, D_IN, generator=generator)
    target = torch.randn(BT, kt, D_IN, generator=generator) + 0.3
    return SourceBatch(source, torch.arange(BS) % C), target


def step(
    method: Method,
    batch: tuple[SourceBatch, Tensor],
    *,
    on: bool = True,
    progress: float | None = None,
) -> Losses:
    """One step, in which the target attention, or what replaces it, is in use or not."""
    draws = method.draw(BS, BT, torch.Generator().manual_seed(4))
    state = method.initial_state(torch.device("cpu"))
    state = state | {"on": torch.tensor(on)} if state else state
    if progress is None:
        progress = 0.5 if on else 0.05
    return method.losses(*batch, progress=progress, draws=draws, state=state)[0]
