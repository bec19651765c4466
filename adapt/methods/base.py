"""What a method is: a module with losses for the loop and predictions for the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from pydantic import ConfigDict
from torch import Tensor, nn

from ...cache.common.ranges import BelowOne, Whole
from ...cache.common.short import short_repr
from ...cache.errors import InputError
from ..layers.schedules import Number

Draws = dict[str, Tensor]
State = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class MethodConfig:
    """What all methods share, so that they are compared with equal networks.

    Args:
        features: D, width of the trainable Linear-ReLU on cached features; 0 for none, as end to
            end, where G_f is the backbone and D is D_in.
        dropout: before the classifier.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # of records and settings

    features: Whole = 512
    dropout: BelowOne = 0.8


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What the data and the run decide.

    Args:
        in_features: D_in.
        source_segments, target_segments: K of each domain's videos.
        classes: C.
    """

    in_features: int
    source_segments: int
    target_segments: int
    classes: int

    def equal_segments(self, why: str) -> int:
        """K where both domains have the same.

        Raises:
            InputError: they differ; ``why`` says what needs them equal.
        """
        if self.source_segments != self.target_segments:
            raise InputError(
                f"{why} needs as many source as target segments, not {self.source_segments} and "
                f"{self.target_segments}"
            )
        return self.source_segments


class SourceBatch(NamedTuple):
    """Segment features [Bs, Ks, D_in] and labels [Bs] of source videos."""

    features: Tensor
    labels: Tensor

    def __repr__(self) -> str:
        return short_repr(self)


class Losses(NamedTuple):
    """``total`` is minimised; ``logs`` are detached scalars to report."""

    total: Tensor
    logs: dict[str, Tensor]

    def __repr__(self) -> str:
        return short_repr(self)


class SegmentVotes(NamedTuple):
    """What a video's prediction is made of: ``attention`` [B, K], None where all segments weigh
    the same, and the ``logits`` of each segment by itself [B, K, C]."""

    attention: Tensor | None
    logits: Tensor

    def __repr__(self) -> str:
        return short_repr(self)


class Method(nn.Module):
    """A way to adapt. `losses` and `predict` are pure: no hidden state, no hidden randomness.

    Attributes:
        snippets: evenly spaced snippets of each segment that it is given, m; where above 1,
            features are [B, K m, D_in], those of a segment side by side.
        reads_target_labels: it trains on the target's labelled videos as its source.
        uses_target: `losses` depends on the target's videos.
    """

    snippets: int = 1
    reads_target_labels: ClassVar[bool] = False
    uses_target: ClassVar[bool] = True

    def draw(self, source_videos: int, target_videos: int, generator: torch.Generator) -> Draws:
        """All random numbers that one call of `losses` uses."""
        raise NotImplementedError

    def initial_state(self, device: torch.device) -> State:
        """What `losses` carries from step to step."""
        return {}

    def losses(
        self, source: SourceBatch, target: Tensor, *, progress: Number, draws: Draws, state: State
    ) -> tuple[Losses, State]:
        """The losses of one step.

        Args:
            source: labelled source videos.
            target: features of unlabelled target videos, [Bt, Kt, D_in].
            progress: share of the run that is done, [0, 1].
            draws: from `draw`.
            state: from `initial_state` or the step before.
        """
        raise NotImplementedError

    def absorb(self, state: State) -> None:
        """Copy into the module what `predict` needs of the state; called before evaluations."""

    def predict(self, features: Tensor) -> Tensor:
        """Segment features [B, Kt, D_in] to video logits [B, C]."""
        raise NotImplementedError

    def vote(self, features: Tensor) -> SegmentVotes | None:
        """What `predict` sums up; None where segments are not judged one by one."""
        return None


class FittedMethod(Method):
    """A method without gradients, on the features of a trained `source_only` of the same seed."""

    def fit(self, base: Method, source: SourceBatch, target: Tensor) -> Iterator[dict[str, float]]:
        """Fit to all training videos, whose central snippets are given.

        Args:
            base: the trained `source_only`.
            source, target: as in `losses`, of all videos.

        Yields:
            what to log after each iteration; `predict` works after every one.
        """
        raise NotImplementedError
