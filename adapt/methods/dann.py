"""DANN: domain-adversarial training (Ganin and Lempitsky 2015) of the mean segment feature.

A discriminator learns to tell source videos (1) from target videos (0); the features learn, behind
gradient reversal, to fool it.
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

# The authors' for images, where the backbone was trained too, at a tenth of this rate.
_OFFICIAL = (
    *("train.optimiser=sgd", "train.momentum=0.9", "train.lr=0.01", "train.schedule=dann"),
    *("train.clip_norm=0", "train.normalise=none"),
)


@register("dann", AdversarialConfig(), presets={"official": _OFFICIAL})
class Dann(Alignment):
    """One discriminator on the temporally averaged feature."""

    def __init__(self, config: AdversarialConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        disc = config.disc
        self.disc_video = Discriminator(self.bottleneck.width, disc.hidden, dropout=disc.dropout)

    def draw(self, source_videos: int, target_videos: int, generator: torch.Generator) -> Draws:
        return {
            **super().draw(source_videos, target_videos, generator),
            "video_source": self.disc_video.draw((source_videos,), generator),
            "video_target": self.disc_video.draw((target_videos,), generator),
        }

    def align(
        self, fs: Tensor, ft: Tensor, lam: Number, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        ones = self.disc_video(reverse_gradient(fs.mean(1), lam), draws["video_source"])  # [Bs]
        zeros = self.disc_video(reverse_gradient(ft.mean(1), lam), draws["video_target"])  # [Bt]
        loss = domain_loss(ones, 1) + domain_loss(zeros, 0)
        return loss, {"video_domain": loss, "video_disc_accuracy": domain_accuracy(ones, zeros)}
