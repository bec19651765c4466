"""Numbers that show whether co-attention and pairs do what they are meant to do."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...layers.coattention import joint_normalise
from ...layers.losses import masked_mean
from ...layers.pairs import Pairs


def coattention_entropy(a_co: Tensor, mask: Tensor) -> Tensor:
    """Mean entropy of the pairs' joint distributions [N, Ks, Kt], as a share of the largest.

    1 is uniform: co-attention finds no segment more important than another. 0 is one cell.
    """
    p = joint_normalise(a_co)
    entropy = -torch.xlogy(p, p).sum((1, 2))  # [N]
    return masked_mean(entropy, mask) / max(math.log(p[0].numel()), 1e-12)  # one cell has none


def alignment_sharpness(weights: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """How sharp the alignment weights [N, Ks, Kt] are, and whether they collapse.

    Returns:
        mean over columns of the largest weight (1/Ks is no alignment), and the share of columns
        whose largest weight lies in the commonest row (1/Ks is best, 1 is collapse onto one
        source segment).
    """
    top, row = weights.max(1)  # [N, Kt]
    rows = torch.arange(weights.shape[1], device=row.device)
    hits = (row[..., None] == rows) & mask[:, None, None]  # [N, Kt, Ks]
    per_row = hits.sum((0, 1)).float()  # [Ks]
    return masked_mean(top, mask), per_row.max() / per_row.sum().clamp(min=1)


def cross_class_share(labels: Tensor, pseudo_labels: Tensor, pairs: Pairs) -> Tensor:
    """Share of the pairs whose source label [Bs] is not the target's predicted class [Bt]."""
    differ = labels[pairs.si] != pseudo_labels[pairs.ti]  # [N]
    return masked_mean(differ.float(), pairs.mask)
