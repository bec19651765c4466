"""What a method is: a module with losses for the loop and predictions for the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

Draws = dict[str, Tensor]
State = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class MethodConfig:
    """What all methods share, so that they are compared with equal networks.

    Args:
        features: D, width of the trainable Linear-ReLU on cached features.
        dropout: before the classifier.
    """

    features: int = 512
    dropout: float = 0.8


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes that the data decides: ``in_features`` D_in, ``segments`` K, ``classes`` C."""

    in_features: int
    segments: int
    classes: int


class SourceBatch(NamedTuple):
    """Segment features [Bs, K, D_in] and labels [Bs] of source videos."""

    features: Tensor
    labels: Tensor


class Losses(NamedTuple):
    """``total`` is minimised; ``logs`` are detached scalars to report."""

    total: Tensor
    logs: dict[str, Tensor]


class Method(nn.Module):
    """A way to adapt. `losses` and `predict` are pure: no hidden state, no hidden randomness."""

    def draw(self, source_videos: int, target_videos: int, generator: torch.Generator) -> Draws:
        """All random numbers that one call of `losses` uses."""
        raise NotImplementedError

    def initial_state(self, device: torch.device) -> State:
        """What `losses` carries from step to step."""
        return {}

    def losses(
        self, source: SourceBatch, target: Tensor, *, progress: float, draws: Draws, state: State
    ) -> tuple[Losses, State]:
        """The losses of one step.

        Args:
            source: labelled source videos.
            target: features of unlabelled target videos, [Bt, K, D_in].
            progress: share of the run that is done, [0, 1].
            draws: from `draw`.
            state: from `initial_state` or the step before.
        """
        raise NotImplementedError

    def predict(self, features: Tensor) -> Tensor:
        """Segment features [B, K, D_in] to video logits [B, C]."""
        raise NotImplementedError
