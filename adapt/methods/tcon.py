"""TCoN: temporal co-attention network (Pan et al., AAAI 2020).

Co-attention between source and target videos of similar predicted labels weighs their segments,
builds target-aligned source features, and teaches an attention network for test time. A video
discriminator compares target videos with aligned source videos, a segment discriminator compares
source segments with aligned ones.

Shapes: Bs, Bt videos; K segments; D features; N pairs; C classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import coattention as co
from .. import warmup
from ..losses import (
    attention_loss,
    domain_accuracy,
    domain_loss,
    masked_mean,
    pseudo_label_loss,
)
from ..networks import Bottleneck, Discriminator, SegmentClassifier, TargetAttention
from ..pairs import PairConfig, Pairs, choose, similar
from ..reversal import reverse_gradient
from ..schedules import dann_ramp
from .base import Draws, Losses, Method, MethodConfig, Sizes, SourceBatch, State
from .registry import register


@dataclass(frozen=True, kw_only=True)
class PseudoConfig:
    """Pseudo-labels of confident target videos.

    Args:
        threshold: probability of the predicted class from which a video takes part.
        per: divide their loss by the ``batch`` or by the ``accepted`` videos.
    """

    threshold: float = 0.9
    per: Literal["batch", "accepted"] = "batch"


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig:
    """Both discriminators: in - hidden - hidden - 1.

    Args:
        max_segments: aligned segments that the segment discriminator sees in a step, a uniform
            random subset of the N K; its loss is a mean over them, so its expectation is the
            same.
    """

    hidden: int = 1024
    dropout: float = 0.5
    max_segments: int = 1024


@dataclass(frozen=True, kw_only=True)
class TconConfig(MethodConfig):
    """Defaults are the recommended readings of what the paper leaves open (docs/ambiguities.md).

    Args:
        score_features: co-attention scores from ``l2``-normalised or ``raw`` features.
        align_norm, tau: what the softmax of the alignment sees, and its temperature.
        att_tau: sharpens the attention vectors below 1, flattens them above.
        att_hidden: width of the attention network.
        lambda_a: weight of the attention loss.
        lambda_d: what the discriminators' weight grows to.
        ramp: steepness of that growth.
        seg_adv: ``adversarial`` for the segment discriminator too, or the ``literal`` sign of (12).
        detach_source_att, detach_align, detach_ga_input: stop gradients into the features through
            the source attention, the alignment weights, the attention network's input.
    """

    score_features: Literal["l2", "raw"] = "l2"
    align_norm: Literal["joint", "raw", "zscore"] = "joint"
    tau: float = 0.02
    att_tau: float = 1.0
    att_hidden: int = 256
    lambda_a: float = 1.0
    lambda_d: float = 1.0
    ramp: float = 10.0
    seg_adv: Literal["adversarial", "literal"] = "adversarial"
    detach_source_att: bool = False
    detach_align: bool = False
    detach_ga_input: bool = False
    pair: PairConfig = field(default_factory=PairConfig)
    pseudo: PseudoConfig = field(default_factory=PseudoConfig)
    warmup: warmup.WarmupConfig = field(default_factory=warmup.WarmupConfig)
    disc: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)


class Attended(NamedTuple):
    """What co-attention gives: source and target attention, alignment weights.

    ``source`` [Bs, K], ``target`` [Bt, K], ``align`` [N, K, K].
    """

    source: Tensor
    target: Tensor
    align: Tensor


@register("tcon", TconConfig())
class Tcon(Method):
    """The paper's full model."""

    def __init__(self, config: TconConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        self.segments = sizes.equal_segments("tcon")
        width, disc = config.features, config.disc
        self.bottleneck = Bottleneck(sizes.in_features, width)
        self.classifier = SegmentClassifier(width, sizes.classes, dropout=config.dropout)
        self.attention = TargetAttention(width, config.att_hidden)
        self.disc_video = Discriminator(self.segments * width, disc.hidden, dropout=disc.dropout)
        self.disc_segment = Discriminator(width, disc.hidden, dropout=disc.dropout)

    def draw(self, source_videos: int, target_videos: int, generator: torch.Generator) -> Draws:
        bs, bt, k = source_videos, target_videos, self.segments
        n = min(self.config.pair.max_pairs, bs * bt)
        rows = min(self.config.disc.max_segments, n * k)
        return {
            "pair_order": torch.rand(bs, bt, generator=generator, device=generator.device),
            "class_source": self.classifier.draw(bs, k, generator),
            "class_target": self.classifier.draw(bt, k, generator),
            "video_target": self.disc_video.draw((bt,), generator),
            "video_aligned": self.disc_video.draw((n,), generator),
            "segment_source": self.disc_segment.draw((bs, k), generator),
            "segment_order": torch.rand(n, k, generator=generator, device=generator.device),
            "segment_aligned": self.disc_segment.draw((rows,), generator),
        }

    def initial_state(self, device: torch.device) -> State:
        return warmup.initial_state(device)

    def predict(self, features: Tensor) -> Tensor:
        f = self.bottleneck(features)  # [B, K, D]
        return _attend(self.attention(f), self.classifier(f))

    def losses(
        self, source: SourceBatch, target: Tensor, *, progress: float, draws: Draws, state: State
    ) -> tuple[Losses, State]:
        config = self.config
        fs, ft = self.bottleneck(source.features), self.bottleneck(target)  # [Bs | Bt, K, D]
        zs = self.classifier(fs, draws["class_source"])  # [Bs, K, C]
        zt = self.classifier(ft, draws["class_target"])  # [Bt, K, C]
        predicted = self.attention(ft.detach() if config.detach_ga_input else ft)  # [Bt, K]
        uniform = torch.full_like(predicted, 1 / self.segments)
        a_target = torch.where(state["on"], predicted, uniform)

        out_t = _attend(a_target, zt)  # [Bt, C]
        pairs = self._pairs(zs.mean(1), out_t, source.labels, draws["pair_order"])
        attended = self._attend_across(fs, ft, pairs)
        out_s = _attend(attended.source, zs)  # [Bs, C]

        # (8): classification, and pseudo-labels once the target attention is in use.
        c_source = F.cross_entropy(out_s, source.labels)
        c_pseudo, accepted = pseudo_label_loss(
            out_t, config.pseudo.threshold, per=config.pseudo.per
        )
        c_pseudo = c_pseudo * state["on"]
        # (7): teach the attention network.
        paired = torch.zeros_like(accepted).index_put((pairs.ti,), pairs.mask, accumulate=True)
        c_attention = attention_loss(predicted, attended.target, paired)
        c_uniform = attention_loss(uniform, attended.target, paired)
        # (10), (11), (12): a batch without pairs has nothing to compare.
        any_pair = pairs.mask.any()
        lam = config.lambda_d * dann_ramp(progress, config.ramp)
        c_video, acc_video = self._video_loss(fs, ft, pairs, attended.align, lam, draws)
        c_segment, acc_segment = self._segment_loss(fs, pairs, attended.align, lam, draws)
        total = (
            c_source + c_pseudo + config.lambda_a * c_attention + any_pair * (c_video + c_segment)
        )
        state = warmup.update(
            state, c_attention, c_uniform, valid=any_pair, progress=progress, config=config.warmup
        )
        logs = {
            "source_class": c_source,
            "pseudo_class": c_pseudo,
            "attention": c_attention,
            "attention_uniform": c_uniform,
            "attention_on": state["on"].float(),
            "video_domain": c_video,
            "segment_domain": c_segment,
            "video_disc_accuracy": acc_video,
            "segment_disc_accuracy": acc_segment,
            "pairs": pairs.mask.sum().float(),
            "pseudo_rate": (accepted & state["on"]).float().mean(),
            "lambda_d": torch.tensor(lam),
            **_alignment_health(attended.align, pairs.mask),
        }
        return Losses(total, {name: value.detach() for name, value in logs.items()}), state

    def _pairs(self, out_s: Tensor, out_t: Tensor, labels: Tensor, order: Tensor) -> Pairs:
        p_s, p_t = out_s.detach().softmax(1), out_t.detach().softmax(1)
        eligible = similar(p_s, p_t, labels, self.config.pair)  # [Bs, Bt]
        return Pairs(*choose(eligible, order, self.config.pair.max_pairs))

    def _attend_across(self, fs: Tensor, ft: Tensor, pairs: Pairs) -> Attended:
        """Equations (1) to (5) and the weights of (9)."""
        config = self.config
        if config.score_features == "l2":
            fs, ft = F.normalize(fs, dim=-1), F.normalize(ft, dim=-1)
        a_co = co.coattention(fs, ft, pairs.si, pairs.ti)  # [N, K, K]
        p = co.joint_normalise(a_co)
        a_s = co.mean_over_pairs(p.sum(2), pairs.si, pairs.mask, len(fs))  # [Bs, K]
        a_t = co.mean_over_pairs(p.sum(1), pairs.ti, pairs.mask, len(ft))  # [Bt, K]
        weights = co.alignment_weights(a_co, norm=config.align_norm, tau=config.tau)
        return Attended(
            source=co.sharpen(a_s.detach() if config.detach_source_att else a_s, config.att_tau),
            target=co.sharpen(a_t.detach(), config.att_tau),  # the truth that G_a learns
            align=weights.detach() if config.detach_align else weights,
        )

    def _video_loss(
        self, fs: Tensor, ft: Tensor, pairs: Pairs, align: Tensor, lam: float, draws: Draws
    ) -> tuple[Tensor, Tensor]:
        """(10): concatenated target segments (1) against target-aligned source segments (0)."""
        disc = self.disc_video
        ones = disc(reverse_gradient(ft.flatten(1), lam), draws["video_target"])  # [Bt]
        # The aligned features are linear in both the source segments and the weights.
        projected = disc.project_blocks(reverse_gradient(fs, lam), self.segments)
        weights = reverse_gradient(align, lam)
        mixed = co.mix_projected(weights, projected, pairs.si, pairs.ti, len(ft))  # [N, H]
        zeros = disc.judge(mixed + disc.project.bias, draws["video_aligned"])  # [N]
        loss = domain_loss(ones, 1) + domain_loss(zeros, 0, pairs.mask)
        return loss, domain_accuracy(ones, zeros, pairs.mask)

    def _segment_loss(
        self, fs: Tensor, pairs: Pairs, align: Tensor, lam: float, draws: Draws
    ) -> tuple[Tensor, Tensor]:
        """(11): source segments (1) against target-aligned source segments (0).

        Projects each source segment once and mixes the projections, instead of projecting the
        mixtures: the columns of ``align`` sum to 1, so the bias passes through.
        """
        if self.config.seg_adv == "literal":  # (12) as printed helps this discriminator
            lam = -lam
        real = pairs.mask[:, None].expand(-1, self.segments)  # [N, K]
        pair, segment, mask = choose(
            real, draws["segment_order"], self.config.disc.max_segments
        )  # [R]
        projected = self.disc_segment.project(reverse_gradient(fs, lam))  # [Bs, K, H]
        weights = reverse_gradient(align[pair, :, segment], lam)  # [R, K]
        mixed = torch.einsum("rj,rjh->rh", weights, projected[pairs.si[pair]])  # [R, H]
        ones = self.disc_segment.judge(projected, draws["segment_source"])  # [Bs, K]
        zeros = self.disc_segment.judge(mixed, draws["segment_aligned"])  # [R]
        loss = domain_loss(ones, 1) + domain_loss(zeros, 0, mask)
        return loss, domain_accuracy(ones, zeros, mask)


def _attend(attention: Tensor, logits: Tensor) -> Tensor:
    """Attention-weighted sum of segment logits: [B, K], [B, K, C] to [B, C]."""
    return (attention[..., None] * logits).sum(1)


def _alignment_health(weights: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Largest weight of a column (1/K is no alignment), and the share of columns whose largest
    weight lies in the commonest row (1/K is best, 1 is collapse onto one source segment)."""
    top, row = weights.max(1)  # [N, K]
    hits = F.one_hot(row, weights.shape[1]) * mask[:, None, None]  # [N, K, K]
    per_row = hits.sum((0, 1)).float()  # [K]
    return {
        "align_column_max": masked_mean(top, mask),
        "align_same_row": per_row.max() / per_row.sum().clamp(min=1),
    }
