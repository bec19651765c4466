"""The trainable parts: G_f of the cached mode, G_y, G_a and the discriminators.

Dropout takes its mask as an argument, so that a loss is a pure function of its inputs: equal
inputs give equal losses, and many runs can share one program. No mask means no dropout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...cache.common.ranges import BelowOne, Count


def draw_mask(shape: tuple[int, ...], p: float, generator: torch.Generator) -> Tensor:
    """A dropout mask: 0 with probability ``p``, else 1 / (1 - p)."""
    # Two to four times as fast on a CPU as `bernoulli_`.
    return torch.rand(shape, generator=generator, device=generator.device).ge_(p).div_(1 - p)


class Bottleneck(nn.Sequential):
    """G_f on cached features: Linear-ReLU, [B, K, D_in] to non-negative [B, K, D].

    With ``features=0`` it is nothing: end to end G_f is the backbone, and D is D_in.
    """

    def __init__(self, in_features: int, features: int) -> None:
        super().__init__(*((nn.Linear(in_features, features), nn.ReLU()) if features else ()))
        self.width = features or in_features  # D


class SegmentClassifier(nn.Module):
    """G_y: one linear layer on each segment, initialised as TSN's.

    Args:
        features: D.
        classes: C.
        dropout: probability, before the layer.
    """

    def __init__(self, features: int, classes: int, *, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.linear = nn.Linear(features, classes)
        nn.init.normal_(self.linear.weight, std=0.001)
        nn.init.zeros_(self.linear.bias)

    def draw(self, videos: int, segments: int, generator: torch.Generator) -> Tensor:
        """Dropout mask [videos, segments, D]."""
        shape = (videos, segments, self.linear.in_features)
        return draw_mask(shape, self.dropout, generator)

    def forward(self, f: Tensor, mask: Tensor | None = None) -> Tensor:
        """[B, K, D] to logits [B, K, C]."""
        return self.linear(f if mask is None else f * mask)


class TargetAttention(nn.Sequential):
    """G_a: predicts a target video's attention from its own segments (equation 6).

    Args:
        features: D.
        hidden: width of the hidden layer.
        output: how a video's scores become a distribution: ``softmax``, or a ``sigmoid`` of each
            divided by their sum.
    """

    def __init__(
        self, features: int, hidden: int, *, output: Literal["softmax", "sigmoid"] = "softmax"
    ) -> None:
        super().__init__(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.output = output

    def forward(self, f: Tensor) -> Tensor:
        """[B, K, D] to [B, K], each row sums to 1."""
        scores = super().forward(f).squeeze(-1)  # [B, K]
        if self.output == "softmax":
            return scores.softmax(1)
        return F.normalize(scores.sigmoid(), p=1, dim=1)


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig:
    """in - hidden - hidden - 1, with dropout after both hidden layers."""

    hidden: Count = 1024
    dropout: BelowOne = 0.5


class Discriminator(nn.Module):
    """Domain discriminator: in - hidden - hidden - 1 with ReLU and dropout.

    The first layer can be applied alone (`project`, `project_blocks`): it is linear, so the
    projection of a mixture of segments is the mixture of their projections.
    """

    def __init__(self, in_features: int, hidden: int, *, dropout: float) -> None:
        super().__init__()
        self.hidden, self.dropout = hidden, dropout
        self.project = nn.Linear(in_features, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 1)

    def draw(self, rows: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Dropout masks of both hidden layers, [2, *rows, hidden]."""
        return draw_mask((2, *rows, self.hidden), self.dropout, generator)

    def project_blocks(self, f: Tensor, blocks: int) -> Tensor:
        """Segments [B, K, D] at each of ``blocks`` places of a concatenation [blocks * D].

        Returns [B, K, blocks, hidden], without the bias.
        """
        weights = self.project.weight.view(self.hidden, blocks, -1).unbind(1)  # blocks x [H, D]
        return torch.stack([f @ weight.T for weight in weights], 2)

    def judge(self, projected: Tensor, masks: Tensor) -> Tensor:
        """Logits from `project`'s output: [*rows, hidden] to [*rows], positive for label 1."""
        x = projected.relu() * masks[0]
        x = self.second(x).relu() * masks[1]
        return self.out(x).squeeze(-1)

    def forward(self, x: Tensor, masks: Tensor) -> Tensor:
        """[*rows, in_features] to logits [*rows]."""
        return self.judge(self.project(x), masks)
