"""TA3N: temporal attentive adversarial adaptation network (Chen et al., ICCV 2019).

Adversarial domain branches on segments, on the relations of each scale and on the video feature;
relations on which domains differ weigh more, and class predictions are made certain.

As in the authors' code no gradient is stopped: through the attention w and the attentive entropy
the branches also hear the classification, and the features below a branch hear it reversed.

Shapes: B = Bs + Bt videos, source first; K segments; D features; C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...cache.common.ranges import NonNegative
from ..layers.domain_attention import attentive_entropy, domain_attention
from ..layers.losses import domain_accuracy
from ..layers.networks import Bottleneck, draw_mask
from ..layers.precision import widen
from ..layers.relations import WIDTH, Relations
from ..layers.reversal import reverse_gradient
from ..layers.schedules import Number, dann_ramp
from .base import Draws, Losses, Method, MethodConfig, Sizes, SourceBatch, State
from .registry import register

# The authors' script for UCF to HMDB, on frozen features as here; use 5 segments. For HMDB to UCF
# they set lambda_relation=1 and gamma=0.3. They read the central snippet of each segment in
# training too, and start the linear layers of the branches, G_f and the classifier near zero.
_OFFICIAL = (
    *("train.optimiser=sgd", "train.nesterov=true", "train.lr=0.03", "train.schedule=dann"),
    *("train.weight_decay=1e-4", "train.clip_norm=20", "train.epochs=30", "train.min_steps=0"),
    *("train.batch_size=128", "train.target_batch=proportional", "train.normalise=none"),
    *("features=512", "dropout=0.5", "dropout_on=features"),
    *("lambda_relation=0.75", "lambda_video=0.75", "lambda_frame=0.5"),
    *("lambda_schedule=constant", "gamma=0.003"),
)


@dataclass(frozen=True, kw_only=True)
class Ta3nConfig(MethodConfig):
    """Options; ``attention=false`` gives TA2N.

    Args:
        dropout_on: drop the video feature for the ``classifier`` alone, or segment and video
            ``features`` for all that follows, as the authors do.
        attention: weigh relations by domain attention and minimise the attentive entropy.
        lambda_relation, lambda_video, lambda_frame: gradient reversal of each branch.
        lambda_schedule: they grow from 0 with progress (``dann``) or are ``constant``.
        gamma: weight of the attentive entropy.
    """

    dropout_on: Literal["classifier", "features"] = "classifier"
    attention: bool = True
    lambda_relation: NonNegative = 1.0
    lambda_video: NonNegative = 1.0
    lambda_frame: NonNegative = 1.0
    lambda_schedule: Literal["dann", "constant"] = "dann"
    gamma: NonNegative = 0.003


@register("ta3n", Ta3nConfig(), presets={"official": _OFFICIAL})
class Ta3n(Method):
    """Domain labels are 0 for source and 1 for target."""

    def __init__(self, config: Ta3nConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        self.segments = sizes.equal_segments("ta3n")
        self.bottleneck = Bottleneck(sizes.in_features, config.features)
        self.relations = Relations(self.bottleneck.width, self.segments)
        self.classifier = nn.Linear(WIDTH, sizes.classes)
        self.branch_frame = _branch(self.bottleneck.width)
        self.branch_relation = nn.ModuleList(_branch(WIDTH) for _ in range(self.segments - 1))
        self.branch_video = _branch(WIDTH)

    def draw(self, source_videos: int, target_videos: int, generator: torch.Generator) -> Draws:
        videos, config = source_videos + target_videos, self.config
        draws = {"video": draw_mask((videos, WIDTH), config.dropout, generator)}
        if config.dropout_on == "features":
            shape = (videos, self.segments, self.bottleneck.width)
            draws["segment"] = draw_mask(shape, config.dropout, generator)
        return draws

    def losses(
        self, source: SourceBatch, target: Tensor, *, progress: Number, draws: Draws, state: State
    ) -> tuple[Losses, State]:
        config, n = self.config, len(source.labels)
        grown = dann_ramp(progress) if config.lambda_schedule == "dann" else 1.0
        f = self.bottleneck(torch.cat([source.features, target]))  # [B, K, D]
        if config.dropout_on == "features":
            f = f * draws["segment"]
        v, relation = self._video(f, config.lambda_relation * grown)  # [B, 256], [B, K-1]
        dropped = v * draws["video"]
        logits = widen(self.classifier(dropped))  # [B, C]
        seen = dropped if config.dropout_on == "features" else v
        video = _judge(self.branch_video, seen, config.lambda_video * grown)  # [B]
        frame = _judge(self.branch_frame, f, config.lambda_frame * grown)  # [B, K]

        c_source = F.cross_entropy(logits[:n], source.labels)
        total, logs = c_source, {"source_class": c_source, "lambda_d": torch.as_tensor(grown)}
        for name, domain in {"frame": frame, "relation": relation, "video": video}.items():
            loss = _domain_loss(domain, n)
            total = total + loss
            logs[f"{name}_domain"] = loss
            logs[f"{name}_disc_accuracy"] = _accuracy(domain, n)
        if config.attention:
            c_entropy = attentive_entropy(logits, video)
            total = total + config.gamma * c_entropy
            logs["attentive_entropy"] = c_entropy
        return Losses(total, {name: value.detach() for name, value in logs.items()}), state

    def predict(self, features: Tensor) -> Tensor:
        return self.classifier(self._video(self.bottleneck(features))[0])

    def _video(self, f: Tensor, lam: Number = 0.0) -> tuple[Tensor, Tensor]:
        """The video feature [B, 256], a sum of attended relations, and their domain logits.

        The tuples are the evenly spaced ones in training too. Weights are residual, 1 + w.
        """
        r = self.relations(f)  # [B, K-1, 256]
        branches = zip(self.branch_relation, r.unbind(1), strict=True)
        domain = torch.stack([_judge(branch, x, lam) for branch, x in branches], 1)  # [B, K-1]
        if self.config.attention:
            r = (1 + domain_attention(domain))[..., None] * r
        return r.sum(1), domain


def _branch(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))


def _judge(branch: nn.Module, x: Tensor, lam: Number) -> Tensor:
    """Domain logits behind a gradient reversal: [..., width] to [...]."""
    return widen(branch(reverse_gradient(x, lam)).squeeze(-1))


def _domain_loss(logits: Tensor, sources: int) -> Tensor:
    """Binary cross-entropy, a mean over all rows of source and target [B, ...] together."""
    return torch.cat([F.softplus(logits[:sources]), F.softplus(-logits[sources:])]).mean()


def _accuracy(logits: Tensor, sources: int) -> Tensor:
    return domain_accuracy(logits[sources:], logits[:sources])
