"""TCoN's domain discriminators, each with the two sets of features that it tells apart.

All are used alike. `draw` gives the random numbers of one step. Calling one gives its loss, of
which the features receive ``-lam`` times the gradient (so that one backward pass does what (12) and
(13) say), and its balanced accuracy.

Shapes: Bs, Bt videos; Ks, Kt segments; D features; N pairs; H hidden units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from ....cache.common.ranges import Count
from ...layers.coattention import mix_projected, mix_rows
from ...layers.losses import domain_accuracy, domain_loss
from ...layers.networks import Discriminator, DiscriminatorConfig
from ...layers.pairs import Pairs, choose
from ...layers.reversal import reverse_gradient
from ...layers.schedules import Number
from ..base import Draws


@dataclass(frozen=True, kw_only=True)
class TconDiscriminatorConfig(DiscriminatorConfig):
    """Options of every discriminator.

    Args:
        max_segments: aligned segments that the segment discriminator sees in a step, a uniform
            random subset of the N Kt; its loss is a mean over them, so its expectation is the
            same.
    """

    max_segments: Count = 1024


class PairAlignment(NamedTuple):
    """Weights [N, Ks, Kt] of the source segments in each pair's target-aligned segments (9)."""

    pairs: Pairs
    weights: Tensor


class DomainDiscriminator(nn.Module):
    """A discriminator with the two sets of features that it tells apart."""

    def draw(self, sources: int, targets: int, pairs: int, generator: torch.Generator) -> Draws:
        """The random numbers of one step."""
        raise NotImplementedError


class AlignedVideos(DomainDiscriminator):
    """(10): concatenated target segments (1) against target-aligned source segments (0).

    Args:
        features: D.
        segments: Ks and Kt; both concatenations have Kt blocks.
    """

    def __init__(
        self, features: int, segments: tuple[int, int], config: DiscriminatorConfig
    ) -> None:
        super().__init__()
        self.net = Discriminator(segments[1] * features, config.hidden, dropout=config.dropout)

    def draw(self, sources: int, targets: int, pairs: int, generator: torch.Generator) -> Draws:
        return {
            "video_target": self.net.draw((targets,), generator),
            "video_aligned": self.net.draw((pairs,), generator),
        }

    def forward(
        self, fs: Tensor, ft: Tensor, alignment: PairAlignment, lam: Number, draws: Draws
    ) -> tuple[Tensor, Tensor]:
        """Features [Bs, Ks, D] and [Bt, Kt, D] to loss and accuracy."""
        pairs, net = alignment.pairs, self.net
        # The aligned features are linear in both the source segments and the weights.
        projected_target, projected = net.project_both(
            reverse_gradient(ft.flatten(1), lam), reverse_gradient(fs, lam)
        )  # [Bt, H], [Bs, Ks, Kt, H]
        ones = net.judge(projected_target, draws["video_target"])  # [Bt]
        weights = reverse_gradient(alignment.weights, lam)  # [N, Ks, Kt]
        mixed = mix_projected(weights, projected, pairs.si, pairs.ti, len(ft))  # [N, H]
        bias = net.project.bias.to(mixed.dtype)
        zeros = net.judge(mixed + bias, draws["video_aligned"])  # [N]
        loss = domain_loss(ones, 1) + domain_loss(zeros, 0, pairs.mask)
        return loss * pairs.mask.any(), domain_accuracy(ones, zeros, pairs.mask)


class AlignedSegments(DomainDiscriminator):
    """(11): segments as they are (1) against target-aligned source segments (0).

    Projects each source segment once and mixes the projections, instead of projecting the
    mixtures: the columns of the alignment weights sum to 1, so the bias passes through.

    Args:
        features: D.
        segments: Ks and Kt.
        against: whose segments have label 1: those of the ``source``, as in (11), or of the
            ``target``, as the text has it.
        helped: the features help this discriminator, which is the sign printed in (12).
    """

    def __init__(
        self,
        features: int,
        segments: tuple[int, int],
        config: TconDiscriminatorConfig,
        *,
        against: Literal["source", "target"] = "source",
        helped: bool = False,
    ) -> None:
        super().__init__()
        self.segments, self.most = segments, config.max_segments
        self.against, self.helped = against, helped
        self.net = Discriminator(features, config.hidden, dropout=config.dropout)

    def draw(self, sources: int, targets: int, pairs: int, generator: torch.Generator) -> Draws:
        ks, kt = self.segments
        real = (sources, ks) if self.against == "source" else (targets, kt)
        return {
            "segment_real": self.net.draw(real, generator),
            "segment_order": torch.rand(pairs, kt, generator=generator, device=generator.device),
            "segment_aligned": self.net.draw((min(self.most, pairs * kt),), generator),
        }

    def forward(
        self, fs: Tensor, ft: Tensor, alignment: PairAlignment, lam: Number, draws: Draws
    ) -> tuple[Tensor, Tensor]:
        """Features [Bs, Ks, D] and [Bt, Kt, D] to loss and accuracy."""
        pairs, net = alignment.pairs, self.net
        lam = -lam if self.helped else lam
        eligible = pairs.mask[:, None].expand(-1, self.segments[1])  # [N, Kt]
        pair, segment, mask = choose(eligible, draws["segment_order"], self.most)  # [R]
        projected = net.project(reverse_gradient(fs, lam))  # [Bs, Ks, H]
        columns = alignment.weights.mT.flatten(0, 1)  # [N Kt, Ks]
        chosen = columns.index_select(0, pair * self.segments[1] + segment)  # [R, Ks]
        mixed = mix_rows(reverse_gradient(chosen, lam), projected, pairs.si[pair])  # [R, H]
        if self.against == "target":
            projected = net.project(reverse_gradient(ft, lam))  # [Bt, Kt, H]
        ones = net.judge(projected, draws["segment_real"])  # [Bs, Ks] or [Bt, Kt]
        zeros = net.judge(mixed, draws["segment_aligned"])  # [R]
        loss = domain_loss(ones, 1) + domain_loss(zeros, 0, mask)
        return loss * pairs.mask.any(), domain_accuracy(ones, zeros, mask)


class WholeVideos(DomainDiscriminator):
    """Concatenated target segments (1) against concatenated source segments (0), not aligned.

    Args:
        features: D.
        segments: K of both domains.
    """

    def __init__(self, features: int, segments: int, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.net = Discriminator(segments * features, config.hidden, dropout=config.dropout)

    def draw(self, sources: int, targets: int, pairs: int, generator: torch.Generator) -> Draws:
        return {
            "video_target": self.net.draw((targets,), generator),
            "video_source": self.net.draw((sources,), generator),
        }

    def forward(
        self, fs: Tensor, ft: Tensor, alignment: PairAlignment | None, lam: Number, draws: Draws
    ) -> tuple[Tensor, Tensor]:
        """Features [Bs, K, D] and [Bt, K, D] to loss and accuracy; looks at no alignment."""
        ones = self.net(reverse_gradient(ft.flatten(1), lam), draws["video_target"])  # [Bt]
        zeros = self.net(reverse_gradient(fs.flatten(1), lam), draws["video_source"])  # [Bs]
        every = torch.ones_like(zeros, dtype=torch.bool)
        loss = domain_loss(ones, 1) + domain_loss(zeros, 0)
        return loss, domain_accuracy(ones, zeros, every)
