"""DAAA: deep adversarial action adaptation (Jamal et al. 2018), its adversarial part.

As `dann`, but the discriminator judges every segment. The paper's text was not at hand: this is
what later papers tell of it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..layers.losses import domain_accuracy, domain_loss
from ..layers.networks import Discriminator
from ..layers.reversal import reverse_gradient
from ..layers.schedules import Number
from .alignment import AdversarialConfig, Alignment
from .base import Draws, Sizes
from .registry import register

# The authors trained C3D too, at a tenth of this rate, without a layer before the classifier.
_OFFICIAL = (
    *("train.optimiser=sgd", "train.momentum=0.9", "train.lr=0.01", "train.weight_decay=5e-4"),
    "train.normalise=none",
)


@register("daaa", AdversarialConfig(), presets={"official": _OFFICIAL})
class Daaa(Alignment):
    """One discriminator on all segments of both domains."""

    def __init__(self, config: AdversarialConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        disc = config.disc
        self.disc_segment = Discriminator(self.bottleneck.width, disc.hidden, dropout=disc.dropout)

    def draw(self, source_videos: int, target_videos: int, generator: torch.Generator) -> Draws:
        source = (source_videos, self.sizes.source_segments)
        target = (target_videos, self.sizes.target_segments)
        return {
            **super().draw(source_videos, target_videos, generator),
            "segment_source": self.disc_segment.draw(source, generator),
            "segment_target": self.disc_segment.draw(target, generator),
        }

    def align(
        self, fs: Tensor, ft: Tensor, lam: Number, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        ones = self.disc_segment(reverse_gradient(fs, lam), draws["segment_source"])  # [Bs, Ks]
        zeros = self.disc_segment(reverse_gradient(ft, lam), draws["segment_target"])  # [Bt, Kt]
        loss = domain_loss(ones, 1) + domain_loss(zeros, 0)
        return loss, {"segment_domain": loss, "segment_disc_accuracy": domain_accuracy(ones, zeros)}
