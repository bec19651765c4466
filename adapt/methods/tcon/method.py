"""TCoN: temporal co-attention network (Pan et al., AAAI 2020).

Co-attention between source and target videos of similar predicted labels weighs their segments,
builds target-aligned source features, and teaches an attention network for test time. A video
discriminator compares target videos with aligned source videos, a segment discriminator compares
source segments with aligned ones.

Shapes: Bs, Bt videos; Ks, Kt segments; D features; N pairs; C classes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...layers import coattention as co
from ...layers.losses import attention_loss, pseudo_label_loss
from ...layers.networks import SegmentClassifier, TargetAttention
from ...layers.pairs import Pairs, choose, in_a_pair, similar
from ...layers.precision import widen
from ...layers.schedules import Number, dann_ramp
from ..base import Draws, Losses, Method, SegmentVotes, Sizes, SourceBatch, State
from ..registry import register
from . import warmup
from .discriminators import AlignedSegments, AlignedVideos, DomainDiscriminator, PairAlignment
from .health import alignment_sharpness, coattention_entropy, cross_class_share
from .options import PRESETS, TconConfig
from .segment_features import make_segment_features


class Segments(NamedTuple):
    """Of a batch's segments: features [Bs, Ks, D], [Bt, Kt, D] and logits [Bs, Ks, C],
    [Bt, Kt, C]."""

    fs: Tensor
    ft: Tensor
    zs: Tensor
    zt: Tensor


Means = tuple[Tensor, Tensor]


class Scores(NamedTuple):
    """Co-attention matrices (3) of pairs, [N, Ks, Kt] each: those that attention is made of, and
    those that align."""

    attention: Tensor
    alignment: Tensor


class CoAttention(NamedTuple):
    """Of a batch: co-attention ``matrix`` [N, Ks, Kt], attention ``source`` [Bs, Ks] and ``target``
    [Bt, Kt], and how each pair is aligned."""

    matrix: Tensor
    source: Tensor
    target: Tensor
    alignment: PairAlignment


@register("tcon-trn", TconConfig(snippets=3), presets=PRESETS)
@register("tcon", TconConfig(), presets=PRESETS)
class Tcon(Method):
    """The paper's full model, in steps that its ablations (`ablations`) share."""

    def __init__(self, config: TconConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config, self.sizes, self.snippets = config, sizes, config.snippets
        self.bottleneck, self.width = make_segment_features(
            sizes.in_features, config.features, config.snippets
        )
        width, segments = self.width, (sizes.source_segments, sizes.target_segments)
        self.classifier = SegmentClassifier(width, sizes.classes, dropout=config.dropout)
        self.attention = TargetAttention(width, config.att_hidden, output=config.att_output)
        video = AlignedVideos(width, segments, config.disc)
        segment = AlignedSegments(
            width,
            segments,
            config.disc,
            against=config.seg_against,
            helped=config.seg_adv == "literal",
        )
        self.discriminators = nn.ModuleDict({"video": video, "segment": segment})

    def draw(self, source_videos: int, target_videos: int, generator: torch.Generator) -> Draws:
        bs, bt, sizes = source_videos, target_videos, self.sizes
        draws = {
            "pair_order": torch.rand(bs, bt, generator=generator, device=generator.device),
            "class_source": self.classifier.draw(bs, sizes.source_segments, generator),
            "class_target": self.classifier.draw(bt, sizes.target_segments, generator),
        }
        pairs = min(self.config.pair.max_pairs, bs * bt)
        for discriminator in self.discriminators.values():
            assert isinstance(discriminator, DomainDiscriminator)
            draws |= discriminator.draw(bs, bt, pairs, generator)
        return draws

    def initial_state(self, device: torch.device) -> State:
        return warmup.initial_state(device)

    def predict(self, features: Tensor) -> Tensor:
        attention, logits = self.vote(features)
        assert attention is not None
        return self._attend(attention, logits)

    def vote(self, features: Tensor) -> SegmentVotes:
        f = self.bottleneck(features)  # [B, Kt, D]
        return SegmentVotes(self.attention(f), self.classifier(f))

    def losses(
        self, source: SourceBatch, target: Tensor, *, progress: Number, draws: Draws, state: State
    ) -> tuple[Losses, State]:
        config, on = self.config, state["on"]
        seg = self._segments(source, target, draws)

        # Attention: (6) for the target, (1) to (4) for the source.
        ft = seg.ft.detach() if config.detach_ga_input else seg.ft
        predicted = self.attention(ft)  # [Bt, Kt]
        uniform = uniform_attention(seg.zt)
        out_t = self._attend(torch.where(on, predicted, uniform), seg.zt)  # [Bt, C]
        attended = self._co_attend(seg, out_t, source.labels, draws["pair_order"])
        a_source = attended.source
        if config.warmup.source:
            a_source = torch.where(on, a_source, uniform_attention(seg.zs))
        out_s = self._attend(a_source, seg.zs)  # [Bs, C]

        # (7): the attention network learns the attention (5) of the targets that have a pair.
        pairs = attended.alignment.pairs
        paired = in_a_pair(pairs.ti, pairs.mask, len(target))  # [Bt]
        c_attention = attention_loss(predicted, attended.target, paired, config.att_loss)
        c_uniform = attention_loss(uniform, attended.target, paired, config.att_loss)
        attention_logs = {
            "attention": c_attention.detach(),
            "attention_uniform": c_uniform.detach(),
            "attention_on": on.float(),
            "attention_on_step": state["on_step"],
        }

        classes = self._class_losses(out_s, out_t, source.labels, on, progress)
        domains = self._domain_losses(seg, attended.alignment, progress, draws)
        health = self._health(attended, source.labels, out_t)
        state = warmup.update(
            state,
            c_attention,
            c_uniform,
            valid=pairs.mask.any(),
            progress=progress,
            config=config.warmup,
        )
        total = classes.total + config.lambda_a * c_attention + domains.total
        return Losses(total, classes.logs | attention_logs | domains.logs | health), state

    def _segments(self, source: SourceBatch, target: Tensor, draws: Draws) -> Segments:
        fs, ft = self.bottleneck(source.features), self.bottleneck(target)
        zs = self.classifier(fs, draws["class_source"])
        zt = self.classifier(ft, draws["class_target"])
        return Segments(fs, ft, zs, zt)

    def _attend(self, attention: Tensor, logits: Tensor) -> Tensor:
        """Attention-weighted sum of what segments predict: [B, K], [B, K, C] to logits [B, C]."""
        if self.config.weigh == "logits":
            return (attention[..., None] * logits).sum(1)
        return (attention[..., None] * logits.softmax(-1)).sum(1).clamp(min=1e-12).log()

    def _score_features(self, f: Tensor) -> Tensor:
        f = widen(f)
        return F.normalize(f, dim=-1) if self.config.score_features == "l2" else f

    def scores(
        self, fs: Tensor, ft: Tensor, si: Tensor, ti: Tensor, means: Means | None = None
    ) -> Scores:
        """Equations (1) to (3).

        Args:
            fs, ft: segments after G_f, [Bs, Ks, D] and [Bt, Kt, D].
            si, ti: the videos of each pair, [N].
            means: each domain's mean segment, [D] and [D]; those of ``fs`` and ``ft`` if None.
        """
        alignment = co.coattention(self._score_features(fs), self._score_features(ft), si, ti)
        if self.config.attention_features == "same":
            return Scores(alignment, alignment)
        ms, mt = means or (None, None)
        fs, ft = co.deviation(widen(fs), ms), co.deviation(widen(ft), mt)
        return Scores(co.coattention(fs, ft, si, ti, co.salience), alignment)

    def own_attention(self, f: Tensor) -> Tensor:
        """Of each video of a batch by itself, summing to 1: [B, K, D] to [B, K]."""
        if self.config.attention_features == "same":
            scores = co.self_attention(self._score_features(f))
        else:
            scores = co.salience(co.deviation(widen(f)))
        return co.to_simplex(scores, self.config.att_simplex)

    def _co_attend(
        self, seg: Segments, out_t: Tensor, labels: Tensor, order: Tensor
    ) -> CoAttention:
        """Pairs of similar videos, (1) to (5), and the weights of (9)."""
        config = self.config
        p_source = self._attend(uniform_attention(seg.zs), seg.zs).detach().softmax(1)  # [Bs, C]
        eligible = similar(p_source, out_t.detach().softmax(1), labels, config.pair)  # [Bs, Bt]
        pairs = Pairs(*choose(eligible, order, config.pair.max_pairs))

        matrix, to_align = self.scores(seg.fs, seg.ft, pairs.si, pairs.ti)  # [N, Ks, Kt] each
        how, videos = config.att_simplex, (len(seg.fs), len(seg.ft))
        a_s, a_t = co.attention_vectors(matrix, pairs, videos, norm=config.att_norm, how=how)
        if config.unpaired == "self_attention":
            paired = in_a_pair(pairs.si, pairs.mask, len(seg.fs))[:, None]  # [Bs, 1]
            a_s = torch.where(paired, a_s, self.own_attention(seg.fs))
        a_s = a_s.detach() if config.detach_source_att else a_s
        weights = co.alignment_weights(to_align, norm=config.align_norm, tau=config.tau)
        return CoAttention(
            matrix,
            source=co.sharpen(a_s, config.att_tau),
            target=co.sharpen(a_t.detach(), config.att_tau),  # the truth that G_a learns
            alignment=PairAlignment(pairs, weights.detach() if config.detach_align else weights),
        )

    def _class_losses(
        self, out_s: Tensor, out_t: Tensor, labels: Tensor, on: Tensor | bool, progress: Number
    ) -> Losses:
        """(8): source labels, and pseudo-labels once the target attention is ``on``."""
        pseudo = self.config.pseudo
        c_source = F.cross_entropy(out_s, labels)
        c_pseudo, accepted = pseudo_label_loss(out_t, pseudo.threshold, per=pseudo.per)
        start = on if pseudo.wait else True
        c_pseudo = c_pseudo * start
        logs = {
            "source_class": c_source.detach(),
            "pseudo_class": c_pseudo.detach(),
            "pseudo_rate": (accepted & start).float().mean(),
        }
        return Losses(c_source + c_pseudo, logs)

    def _domain_losses(
        self, seg: Segments, alignment: PairAlignment | None, progress: Number, draws: Draws
    ) -> Losses:
        """(10), (11), and (12) by gradient reversal."""
        lam = self.config.lambda_d * dann_ramp(progress, self.config.ramp)
        total, logs = seg.fs.new_zeros(()), {"lambda_d": torch.as_tensor(lam)}
        for name, discriminator in self.discriminators.items():
            loss, accuracy = discriminator(seg.fs, seg.ft, alignment, lam, draws)
            total = total + loss
            logs |= {f"{name}_domain": loss.detach(), f"{name}_disc_accuracy": accuracy}
        return Losses(total, logs)

    def _health(self, attended: CoAttention, labels: Tensor, out_t: Tensor) -> dict[str, Tensor]:
        """What shows whether co-attention works, without gradients."""
        pairs, mask = attended.alignment.pairs, attended.alignment.pairs.mask
        column_max, same_row = alignment_sharpness(attended.alignment.weights.detach(), mask)
        return {
            "pairs": mask.sum().float(),
            "pairs_cross_class": cross_class_share(labels, out_t.argmax(1), pairs),
            "coattention_entropy": coattention_entropy(attended.matrix.detach(), mask),
            "align_column_max": column_max,
            "align_same_row": same_row,
        }


def uniform_attention(logits: Tensor) -> Tensor:
    """1/K for each segment: logits [B, K, C] to [B, K]."""
    return logits.new_full(logits.shape[:2], 1 / logits.shape[1])
