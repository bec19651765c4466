"""Options of TCoN and its ablations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ....cache.common.ranges import Count, NonNegative, Positive
from ...layers.coattention import Simplex
from ...layers.losses import AttentionLoss
from ...layers.pairs import PairConfig
from ..base import MethodConfig
from .discriminators import TconDiscriminatorConfig
from .warmup import WarmupConfig


@dataclass(frozen=True, kw_only=True)
class PseudoConfig:
    """Pseudo-labels of confident target videos.

    Args:
        threshold: probability of the predicted class from which a video takes part.
        per: divide their loss by the ``batch`` or by the ``accepted`` videos.
        wait: not before the target attention is in use.
    """

    threshold: NonNegative = 0.9
    per: Literal["batch", "accepted"] = "batch"
    wait: bool = True


@dataclass(frozen=True, kw_only=True)
class TconConfig(MethodConfig):
    """Defaults are the recommended readings of what the paper leaves open (docs/ambiguities.md).

    Args:
        snippets: m of each segment; above 1 a temporal relation network makes them the segment's
            feature, of width 256.
        weigh: the classifier's ``logits`` or ``probabilities`` are weighed by attention.
        score_features: the scores of the alignment, and of attention where it has the ``same``
            and in `tcon-coattn`, are of ``l2``-normalised or ``raw`` features.
        attention_features: what the scores behind attention, (1) to (5), are of: the ``same`` as
            those of the alignment, or each segment's ``deviation`` from the mean of its domain's
            segments in the batch, whose squared length then stands for (2). Not of `tcon-coattn`,
            whose predictions would depend on the videos of a batch.
        align_norm, tau: what the softmax of the alignment sees, and its temperature.
        att_norm: a ``joint`` distribution for each pair, or ``average`` over pairs first.
        att_simplex: attention sums to 1 by division (``l1``) or by ``softmax``.
        att_tau: sharpens the attention vectors below 1, flattens them above.
        unpaired: attention of a source video without pairs.
        att_hidden, att_output: width and last function of the attention network.
        att_loss: what it minimises.
        lambda_a: weight of the attention loss.
        lambda_d: the discriminators' weight at the end of its ramp.
        ramp: steepness of the ramp.
        seg_adv: ``adversarial`` for the segment discriminator too, or the ``literal`` sign of (12).
        seg_against: whose segments it compares with the aligned ones.
        detach_source_att, detach_align, detach_ga_input: stop gradients into the features through
            the source attention, the alignment weights, the attention network's input.
    """

    snippets: Count = 1
    weigh: Literal["logits", "probabilities"] = "logits"
    score_features: Literal["l2", "raw"] = "l2"
    attention_features: Literal["same", "deviation"] = "deviation"
    align_norm: Literal["joint", "raw", "zscore"] = "joint"
    tau: Positive = 0.02
    att_norm: Literal["joint", "average"] = "joint"
    att_simplex: Simplex = "l1"
    att_tau: Positive = 1.0
    unpaired: Literal["uniform", "self_attention"] = "uniform"
    att_hidden: Count = 256
    att_output: Literal["softmax", "sigmoid"] = "softmax"
    att_loss: AttentionLoss = "mse"
    lambda_a: NonNegative = 1.0
    lambda_d: NonNegative = 1.0
    ramp: NonNegative = 10.0
    seg_adv: Literal["adversarial", "literal"] = "adversarial"
    seg_against: Literal["source", "target"] = "source"
    detach_source_att: bool = True
    detach_align: bool = False
    detach_ga_input: bool = True
    pair: PairConfig = field(default_factory=PairConfig)
    pseudo: PseudoConfig = field(default_factory=PseudoConfig)
    warmup: WarmupConfig = field(default_factory=WarmupConfig)
    disc: TconDiscriminatorConfig = field(default_factory=TconDiscriminatorConfig)


PRESETS = {
    # The smallest that cost no accuracy in docs/results.md.
    "fast": ("disc.hidden=256", "disc.max_segments=256", "pair.max_pairs=256"),
    # What the paper prints: Adam, 3e-4, a tenth of it every 30 epochs, batches of 64, and nothing
    # of decay or clipping. It fine-tunes the backbone, with TSN's augmentation; here it is frozen.
    "official": (
        *("train.optimiser=adam", "train.lr=3e-4", "train.schedule=step", "train.lr_factor=0.1"),
        *("train.epochs=90", "train.lr_drops=2", "train.min_steps=0", "train.batch_size=64"),
        *("train.weight_decay=0", "train.clip_norm=0", "train.normalise=none"),
    ),
    # The formulas as printed. All 64 x 64 pairs may take part; the threshold of the attention's
    # loss is printed nowhere.
    "literal": (
        *("score_features=raw", "attention_features=same", "align_norm=raw", "tau=1"),
        *("att_norm=average", "seg_adv=literal"),
        *("detach_source_att=false", "detach_ga_input=false"),
        *("pair.threshold=0.5", "pair.max_pairs=4096", "warmup.threshold=0.001"),
        "train.clip_norm=0",
    ),
}
