"""TCoN without one of its parts each: the four ablations of the paper's Table 5.

| name           | segment weights in (8)         | discriminators                    |
|----------------|--------------------------------|-----------------------------------|
| `tcon`         | co-attention, attention network | aligned videos, aligned segments |
| `tcon-sadnet`  | the same                       | aligned videos                    |
| `tcon-tadnet`  | the same                       | whole videos, not aligned         |
| `tcon-coattn`  | self-attention                 | whole videos, not aligned         |
| `tcon-attn`    | uniform                        | aligned videos, aligned segments  |

Options of a dropped part have no effect. Where the attention network is dropped, pseudo-labels
start when TCoN's do at the latest, at ``warmup.max_progress``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...layers import coattention as co
from ...layers.schedules import Number
from ..base import Draws, Losses, SegmentVotes, Sizes, SourceBatch, State
from ..registry import register
from .discriminators import WholeVideos
from .method import CoAttention, Tcon, uniform_attention
from .options import PRESETS, TconConfig


@register("tcon-sadnet", TconConfig(), presets=PRESETS)
class TconSAdNet(Tcon):
    """TCoN - SAdNet: no segment discriminator, so no (11)."""

    def __init__(self, config: TconConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        del self.discriminators["segment"]


@register("tcon-tadnet", TconConfig(), presets=PRESETS)
class TconTAdNet(Tcon):
    """TCoN - TAdNet: no target-aligned features, so no (9) to (11); one discriminator compares
    the concatenated segments of both domains."""

    def __init__(self, config: TconConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        segments = sizes.equal_segments("comparing whole videos")
        whole = WholeVideos(self.width, segments, config.disc)
        self.discriminators = nn.ModuleDict({"video": whole})

    def _health(self, attended: CoAttention, labels: Tensor, out_t: Tensor) -> dict[str, Tensor]:
        health = super()._health(attended, labels, out_t)
        return {name: x for name, x in health.items() if not name.startswith("align_")}


@register("tcon-attn", TconConfig(), presets=PRESETS)
class TconAttn(Tcon):
    """TCoN - AttnClassifier: all segments weigh the same in (8) and in predictions, so no (4) to
    (7); co-attention still aligns."""

    def __init__(self, config: TconConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        del self.attention

    def initial_state(self, device: torch.device) -> State:
        return {}

    def predict(self, features: Tensor) -> Tensor:
        z = self.vote(features).logits
        return self._attend(uniform_attention(z), z)

    def vote(self, features: Tensor) -> SegmentVotes:
        return SegmentVotes(None, self.classifier(self.bottleneck(features)))

    def losses(
        self, source: SourceBatch, target: Tensor, *, progress: Number, draws: Draws, state: State
    ) -> tuple[Losses, State]:
        seg = self._segments(source, target, draws)
        out_s = self._attend(uniform_attention(seg.zs), seg.zs)  # [Bs, C]
        out_t = self._attend(uniform_attention(seg.zt), seg.zt)  # [Bt, C]
        attended = self._co_attend(seg, out_t, source.labels, draws["pair_order"])

        on = progress >= self.config.warmup.max_progress
        classes = self._class_losses(out_s, out_t, source.labels, on, progress)
        domains = self._domain_losses(seg, attended.alignment, progress, draws)
        health = self._health(attended, source.labels, out_t)
        return Losses(classes.total + domains.total, classes.logs | domains.logs | health), state


@register("tcon-coattn", TconConfig(), presets=PRESETS)
class TconCoAttn(TconTAdNet):
    """TCoN - CoAttn: no co-attention, so no pairs, no (3) to (7) and nothing to align; each video's
    own self-attention (1), (2) weighs its segments, in predictions too.

    It is of the features that ``score_features`` names; ``attention_features`` has no effect, since
    predictions would depend on the videos of a batch. As in TCoN, the source's attention passes no
    gradients (``detach_source_att``), though here no target features are in it.
    """

    def __init__(self, config: TconConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        del self.attention

    def initial_state(self, device: torch.device) -> State:
        return {}

    def vote(self, features: Tensor) -> SegmentVotes:
        f = self.bottleneck(features)  # [B, K, D]
        return SegmentVotes(self._self_attention(f), self.classifier(f))

    def losses(
        self, source: SourceBatch, target: Tensor, *, progress: Number, draws: Draws, state: State
    ) -> tuple[Losses, State]:
        seg = self._segments(source, target, draws)
        a_source = self._self_attention(seg.fs)  # [Bs, K]
        a_source = a_source.detach() if self.config.detach_source_att else a_source
        out_s = self._attend(a_source, seg.zs)  # [Bs, C]
        out_t = self._attend(self._self_attention(seg.ft), seg.zt)  # [Bt, C]

        on = progress >= self.config.warmup.max_progress
        classes = self._class_losses(out_s, out_t, source.labels, on, progress)
        domains = self._domain_losses(seg, None, progress, draws)
        return Losses(classes.total + domains.total, classes.logs | domains.logs), state

    def _self_attention(self, f: Tensor) -> Tensor:
        """(1), (2), summing to 1: [B, K, D] to [B, K]."""
        a = co.to_simplex(co.self_attention(self._score_features(f)), self.config.att_simplex)
        return co.sharpen(a, self.config.att_tau)
