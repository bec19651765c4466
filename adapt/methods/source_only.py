"""Source only: train on source labels, look at no target video (TSN, Wang et al. 2016).

Per-segment logits are averaged over the segments of a video before the softmax.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..networks import Bottleneck, SegmentClassifier
from .base import Draws, Losses, Method, MethodConfig, Sizes, SourceBatch, State
from .registry import register


@register("source_only", MethodConfig())
class SourceOnly(Method):
    """The row that adaptation must beat."""

    def __init__(self, config: MethodConfig, sizes: Sizes) -> None:
        super().__init__()
        self.segments = sizes.source_segments
        self.bottleneck = Bottleneck(sizes.in_features, config.features)
        self.classifier = SegmentClassifier(config.features, sizes.classes, dropout=config.dropout)

    def draw(self, source_videos: int, target_videos: int, generator: torch.Generator) -> Draws:
        return {"classifier": self.classifier.draw(source_videos, self.segments, generator)}

    def losses(
        self, source: SourceBatch, target: Tensor, *, progress: float, draws: Draws, state: State
    ) -> tuple[Losses, State]:
        f = self.bottleneck(source.features)  # [Bs, K, D]
        logits = self.classifier(f, draws["classifier"]).mean(1)  # [Bs, C]
        loss = F.cross_entropy(logits, source.labels)
        return Losses(loss, {"source_class": loss.detach()}), state

    def embed(self, features: Tensor) -> Tensor:
        """Mean segment feature of G_f: [B, K, D_in] to [B, D]."""
        return self.bottleneck(features).mean(1)

    def predict(self, features: Tensor) -> Tensor:
        return self.classifier(self.bottleneck(features)).mean(1)
