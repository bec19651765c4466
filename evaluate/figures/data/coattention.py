"""TCoN's co-attention between chosen pairs of videos, as training computes it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ....adapt.layers import coattention as co
from ....adapt.layers.pairs import choose, similar
from ....adapt.methods import Method
from ....adapt.methods.tcon.ablations import TconCoAttn, TconTAdNet
from ....adapt.methods.tcon.method import Means, Tcon


def co_attends(method: type[Method]) -> bool:
    """Whether a method has co-attention between domains."""
    return issubclass(method, Tcon) and not issubclass(method, TconCoAttn)


def aligns(method: type[Method]) -> bool:
    """Whether a method makes target-aligned source features."""
    return issubclass(method, Tcon) and not issubclass(method, TconTAdNet)


class CoAttention(NamedTuple):
    """Of N pairs: ``joint`` [N, Ks, Kt], the co-attention matrices (3) as joint distributions; and
    ``weights`` [N, Ks, Kt], those of the source segments in each target-aligned segment (9)."""

    joint: Tensor
    weights: Tensor

    def __repr__(self) -> str:
        return f"<CoAttention of {len(self.joint)} pairs>"


def co_attend(
    method: Tcon, fs: Tensor, ft: Tensor, si: Tensor, ti: Tensor, means: Means | None = None
) -> CoAttention:
    """Equations (1) to (3), and the softmax of (9).

    Args:
        method: a trained TCoN.
        fs: source segments after G_f, [Bs, Ks, D].
        ft: target segments after G_f, [Bt, Kt, D].
        si, ti: the videos of each pair, [N].
        means: each domain's mean segment, [D] and [D]; those of ``fs`` and ``ft`` if None.
    """
    config = method.config
    scores = method.scores(fs, ft, si, ti, means)
    weights = co.alignment_weights(scores.alignment, norm=config.align_norm, tau=config.tau)
    return CoAttention(co.joint_normalise(scores.attention, config.att_simplex), weights)


def source_probabilities(method: Tcon, fs: Tensor) -> Tensor:
    """Class probabilities by which source videos are paired: all segments weigh the same.

    Args:
        method: a trained TCoN.
        fs: source segments after G_f, [Bs, Ks, D].

    Returns:
        [Bs, C].
    """
    z = method.classifier(fs)  # [Bs, Ks, C]
    return z.mean(1).softmax(1) if method.config.weigh == "logits" else z.softmax(-1).mean(1)


def similar_pairs(
    method: Tcon, p_source: Tensor, p_target: Tensor, labels: Tensor, most: int, *, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Pairs that training could have formed, a random subset of at most ``most``: si, ti [N].

    Args:
        method: a trained TCoN.
        p_source, p_target: class probabilities, [Bs, C] and [Bt, C].
        labels: of the source videos, [Bs].
    """
    eligible = similar(p_source, p_target, labels, method.config.pair)  # [Bs, Bt]
    generator = torch.Generator().manual_seed(seed)
    si, ti, real = choose(eligible, torch.rand(eligible.shape, generator=generator), most)
    return si[real], ti[real]


def confident_pairs(p_source: Tensor, p_target: Tensor, most: int) -> list[tuple[int, int]]:
    """The pairs whose videos are most confidently of one and the same class.

    No video twice, and no class again before every class has had a pair.

    Args:
        p_source, p_target: class probabilities, [Bs, C] and [Bt, C].
        most: pairs.
    """
    ranked = []  # (how often the class has had a pair, -confidence, source, target)
    for c in range(p_source.shape[1]):
        sources = _most_confident(p_source, c, most)
        targets = _most_confident(p_target, c, most)
        for rank, (i, j) in enumerate(zip(sources, targets, strict=False)):
            ranked.append((rank, -float(p_source[i, c] * p_target[j, c]), i, j))
    return [(i, j) for _, _, i, j in sorted(ranked)[:most]]


def _most_confident(p: Tensor, c: int, most: int) -> list[int]:
    """Videos that are predicted to be of class c, the most confident first."""
    top, predicted = p.max(1)
    order = top.argsort(descending=True, stable=True)
    return order[predicted[order] == c][:most].tolist()
