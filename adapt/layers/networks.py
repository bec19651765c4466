"""The trainable parts: G_f of the cached mode, G_y, G_a and the discriminators.

Dropout takes its mask as an argument, so that a loss is a pure function of its inputs: equal
inputs give equal losses, and many runs can share one program. No mask means no dropout.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...cache.common.ranges import BelowOne, Count
from .precision import compute_dtype, narrow, widen

_LEAST = -(2**63)  # of 64 bits, so that all of them are drawn


def draw_mask(shape: tuple[int, ...], p: float, generator: torch.Generator) -> Tensor:
    """A dropout mask in the type of matrix products: 0 with probability ``p``, else 1 / (1 - p).

    ``p`` is rounded to a multiple of 2^-16, and 1 / (1 - p) is that of the rounded one, rounded to
    the type: in bf16 by up to a part in 2^9, such as 1.1094 at 0.1. Which elements are 0 is the
    same for every type.
    """
    device, count = generator.device, math.prod(shape)
    dtype = compute_dtype(device)
    # Integers of 64 random bits cost a CPU a fiftieth of as many random fractions.
    if p == 0.5:
        bits = _random_bits(count, generator).view(torch.uint8).int()
        return F.embedding(bits, _eight_masks(dtype, device)).flatten()[:count].view(shape)
    dropped = min(round(p * 2**16), 2**16 - 1)
    drawn = _random_bits(16 * count, generator).view(torch.int16)[:count]  # from -2^15 to 2^15 - 1
    kept = (drawn >= dropped - 2**15).to(dtype)
    return kept.mul_(2**16 / (2**16 - dropped)).view(shape)


def _random_bits(count: int, generator: torch.Generator) -> Tensor:
    """At least ``count`` random bits, as int64."""
    words = torch.empty(-(-count // 64), dtype=torch.int64, device=generator.device)
    return words.random_(_LEAST, None, generator=generator)


@cache
def _eight_masks(dtype: torch.dtype, device: torch.device) -> Tensor:
    """The mask of eight elements that each byte stands for, at a probability of 0.5: [256, 8]."""
    byte, bit = torch.arange(256, device=device)[:, None], torch.arange(8, device=device)
    return (2 * (byte >> bit & 1)).to(dtype)


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
        return widen(self.linear(f if mask is None else f * mask))


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
        scores = widen(super().forward(f).squeeze(-1))  # [B, K]
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

    The first layer can be applied alone (`project`, `project_both`): it is linear, so the
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

    def project_both(self, x: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
        """Concatenations of segments, and segments at each place of a concatenation.

        Args:
            x: [*rows, blocks * D].
            f: [B, K, D].

        Returns:
            [*rows, hidden], and [B, K, blocks, hidden] without the bias.
        """
        weight = narrow(self.project.weight)  # once for both
        blocks = weight.unflatten(1, (-1, f.shape[-1]))  # [H, blocks, D]
        # One product, for which the weights are copied, is faster than one for each block.
        projected = F.linear(f, blocks.transpose(0, 1).flatten(0, 1))  # [B, K, blocks H]
        places = projected.unflatten(-1, (-1, self.hidden))
        return F.linear(x, weight, self.project.bias), places

    def judge(self, projected: Tensor, masks: Tensor) -> Tensor:
        """Logits from `project`'s output: [*rows, hidden] to [*rows], positive for label 1."""
        x = projected.relu() * masks[0]
        x = self.second(x).relu() * masks[1]
        return widen(self.out(x).squeeze(-1))

    def forward(self, x: Tensor, masks: Tensor) -> Tensor:
        """[*rows, in_features] to logits [*rows]."""
        return self.judge(self.project(x), masks)
