"""CDAN: conditional adversarial domain adaptation (Long et al. 2018), over segments.

The discriminator is given each segment's feature together with its predicted class, by a
multilinear map; the class is predicted under the same dropout as for the class loss. The mean of
its logits over the segments of a video is its judgement of the video (the hybrid of the TCoN
paper).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cache.common.ranges import Count
from ..layers.losses import domain_accuracy, entropy
from ..layers.multilinear import multilinear_map, randomised_multilinear_map
from ..layers.networks import Discriminator
from ..layers.reversal import reverse_gradient
from ..layers.schedules import Number
from .alignment import AdversarialConfig, Alignment
from .base import Draws, Sizes
from .registry import register

# The authors' for images: 50004 steps, with 10 i / 10000 at step i in the ramp. They average the
# loss over both domains together, half of ours: so lambda_d is 0.5, and the discriminator alone
# learns twice as fast. Their code doubles the weight decay of 5e-4. They trained the backbone too,
# at a tenth of this rate.
_OFFICIAL = (
    *("train.optimiser=sgd", "train.momentum=0.9", "train.nesterov=true", "train.lr=0.01"),
    *("train.schedule=inverse", "train.weight_decay=1e-3", "train.clip_norm=0"),
    *("train.batch_size=36", "train.epochs=1", "train.min_steps=50004", "train.normalise=none"),
    *("features=256", "dropout=0", "lambda_d=0.5", "ramp=50"),
)


@dataclass(frozen=True, kw_only=True)
class CdanConfig(AdversarialConfig):
    """Options of CDAN.

    Args:
        entropy_weights: videos of confident predictions count more (CDAN+E).
        loss_per: a domain loss per ``video``, on the mean of its segments' discriminator logits, or
            per ``segment``.
        max_exact: dimensions of the multilinear map, D C, above which it is randomised.
        random_dim: dimensions of the randomised map.
    """

    entropy_weights: bool = False
    loss_per: Literal["video", "segment"] = "video"
    max_exact: Count = 4096
    random_dim: Count = 1024


@register("cdan", CdanConfig(), presets={"official": _OFFICIAL})
class Cdan(Alignment):
    """One discriminator on features and predictions."""

    config: CdanConfig
    random_f: Tensor
    random_g: Tensor

    def __init__(self, config: CdanConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        disc, width = config.disc, self.bottleneck.width
        seen = width * sizes.classes
        self.randomised = seen > config.max_exact
        if self.randomised:
            seen = config.random_dim
            self.register_buffer("random_f", torch.randn(width, seen))
            self.register_buffer("random_g", torch.randn(sizes.classes, seen))
        self.disc = Discriminator(seen, disc.hidden, dropout=disc.dropout)

    def draw(self, source_videos: int, target_videos: int, generator: torch.Generator) -> Draws:
        source = (source_videos, self.sizes.source_segments)
        target = (target_videos, self.sizes.target_segments)
        return {
            **super().draw(source_videos, target_videos, generator),
            "class_target": self.classifier.draw(*target, generator),
            "disc_source": self.disc.draw(source, generator),
            "disc_target": self.disc.draw(target, generator),
        }

    def align(
        self, fs: Tensor, ft: Tensor, lam: Number, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        ones, ones_weight = self._judge(fs, lam, draws["class_source"], draws["disc_source"])
        zeros, zeros_weight = self._judge(ft, lam, draws["class_target"], draws["disc_target"])
        loss = (ones_weight * F.softplus(-ones)).sum() + (zeros_weight * F.softplus(zeros)).sum()
        per = self.config.loss_per
        return loss, {f"{per}_domain": loss, f"{per}_disc_accuracy": domain_accuracy(ones, zeros)}

    def _judge(
        self, f: Tensor, lam: Number, class_mask: Tensor, disc_masks: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Discriminator logits of features [B, K, D] and their weights, which sum to 1.

        Both are [B], or [B, K] with a loss per segment.
        """
        z = self.classifier(f, class_mask)  # [B, K, C]
        h = self._join(f, z.detach().softmax(-1))  # [B, K, D C] or [B, K, R]
        judged = self.disc(reverse_gradient(h, lam), disc_masks)  # [B, K]
        if self.config.loss_per == "video":
            z, judged = z.mean(1), judged.mean(1)  # [B, C], [B]
        weights = torch.ones_like(judged)
        if self.config.entropy_weights:
            # Reversed too: predictions change so as to fool the discriminator.
            weights = 1 + torch.exp(-reverse_gradient(entropy(z), lam))
        return judged, weights / weights.detach().sum()  # constant to gradients, as the authors'

    def _join(self, f: Tensor, g: Tensor) -> Tensor:
        if self.randomised:
            return randomised_multilinear_map(f, g, self.random_f, self.random_g)
        return multilinear_map(f, g)
