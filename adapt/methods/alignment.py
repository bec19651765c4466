"""What the methods share that add one alignment loss to segment consensus.

Source classification is that of `source_only`; a method says in `Alignment.align` what brings the
domains together.

Shapes: Bs, Bt videos; Ks, Kt segments, which may differ; D features; C classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cache.common.ranges import NonNegative
from ..layers.networks import Bottleneck, DiscriminatorConfig, SegmentClassifier
from ..layers.schedules import Number, dann_ramp
from .base import Draws, Losses, Method, MethodConfig, SegmentVotes, Sizes, SourceBatch, State


@dataclass(frozen=True, kw_only=True)
class AlignmentConfig(MethodConfig):
    """Options of every alignment.

    Args:
        lambda_d: the alignment's weight at the end of its ramp.
        ramp: steepness of the ramp; None for the full weight from the start.
    """

    lambda_d: NonNegative = 1.0
    ramp: NonNegative | None = 10.0

    def weight(self, progress: Number) -> Number:
        """Of the alignment, at a share [0, 1] of the run."""
        return self.lambda_d * (1.0 if self.ramp is None else dann_ramp(progress, self.ramp))


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig(AlignmentConfig):
    """Options of an alignment by a discriminator."""

    disc: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)


class Alignment(Method):
    """Segment consensus on the source's labels plus `align`."""

    def __init__(self, config: AlignmentConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config, self.sizes = config, sizes
        self.bottleneck = Bottleneck(sizes.in_features, config.features)
        self.classifier = SegmentClassifier(
            self.bottleneck.width, sizes.classes, dropout=config.dropout
        )

    def align(
        self, fs: Tensor, ft: Tensor, lam: Number, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The alignment's part of the total loss, and what to log.

        Args:
            fs, ft: features of both domains, [Bs, Ks, D] and [Bt, Kt, D].
            lam: its weight now, for a term of the total or for gradient reversal.
            draws: from `draw`.
        """
        raise NotImplementedError

    def draw(self, source_videos: int, target_videos: int, generator: torch.Generator) -> Draws:
        segments = self.sizes.source_segments
        return {"class_source": self.classifier.draw(source_videos, segments, generator)}

    def losses(
        self, source: SourceBatch, target: Tensor, *, progress: Number, draws: Draws, state: State
    ) -> tuple[Losses, State]:
        fs, ft = self.bottleneck(source.features), self.bottleneck(target)
        logits = self.classifier(fs, draws["class_source"]).mean(1)  # [Bs, C]
        c_source = F.cross_entropy(logits, source.labels)
        lam = self.config.weight(progress)
        c_align, logs = self.align(fs, ft, lam, draws)
        logs = {"source_class": c_source, **logs, "lambda_d": torch.as_tensor(lam)}
        logs = {name: value.detach() for name, value in logs.items()}
        return Losses(c_source + c_align, logs), state

    def predict(self, features: Tensor) -> Tensor:
        return self.vote(features).logits.mean(1)

    def vote(self, features: Tensor) -> SegmentVotes:
        return SegmentVotes(None, self.classifier(self.bottleneck(features)))


class TargetPredictions(Alignment):
    """An alignment by a loss on the target's predictions alone, under the same dropout as the
    source's."""

    def target_loss(self, logits: Tensor) -> Tensor:
        """The loss of the target videos' logits, [Bt, C]."""
        raise NotImplementedError

    def draw(self, source_videos: int, target_videos: int, generator: torch.Generator) -> Draws:
        segments = self.sizes.target_segments
        return {
            **super().draw(source_videos, target_videos, generator),
            "class_target": self.classifier.draw(target_videos, segments, generator),
        }

    def align(
        self, fs: Tensor, ft: Tensor, lam: Number, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        loss = self.target_loss(self.classifier(ft, draws["class_target"]).mean(1))
        return lam * loss, {"target_prediction": loss}
