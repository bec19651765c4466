"""Which source and target videos form pairs (TCoN: videos of similar predicted labels)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cache.common.ranges import Count, NonNegative
from .precision import full_precision

Rule = Literal["cosine", "argmax", "source_label", "topk", "all"]


@dataclass(frozen=True, kw_only=True)
class PairConfig:
    """Pair selection; the paper gives neither measure nor threshold (ambiguity B16).

    Args:
        rule: ``cosine`` similarity of the class probabilities above a threshold; same predicted
            class (``argmax``); ``source_label`` as the source side's one-hot probabilities, then
            cosine; the ``topk`` most similar targets of each source; or ``all``.
        threshold: for the cosine; None for max(0.5, 1/sqrt(C) + 0.05), since a uniform and a
            one-hot prediction have cosine 1/sqrt(C).
        topk: targets per source under ``topk``.
        max_pairs: pairs kept, a uniform random subset of the similar ones; bounds memory.
    """

    rule: Rule = "cosine"
    threshold: NonNegative | None = None
    topk: Count = 8
    max_pairs: Count = 1024


class Pairs(NamedTuple):
    """Source and target video of each pair, ``si`` and ``ti`` [N], and ``mask`` [N] (bool).

    N is fixed by the batch and ``max_pairs``; pairs with a False mask are padding.
    """

    si: Tensor
    ti: Tensor
    mask: Tensor


@full_precision
def similar(p_source: Tensor, p_target: Tensor, labels: Tensor, config: PairConfig) -> Tensor:
    """Which pairs are similar enough.

    Args:
        p_source, p_target: class probabilities, [Bs, C] and [Bt, C].
        labels: of the source videos, [Bs].

    Returns:
        [Bs, Bt] bool.
    """
    classes = p_source.shape[1]
    if config.rule == "all":
        return torch.ones(len(p_source), len(p_target), dtype=torch.bool, device=p_source.device)
    if config.rule == "argmax":
        return p_source.argmax(1)[:, None] == p_target.argmax(1)[None, :]
    if config.rule == "source_label":
        p_source = F.one_hot(labels, classes).to(p_target.dtype)
    cosine = F.normalize(p_source, dim=1) @ F.normalize(p_target, dim=1).T  # [Bs, Bt]
    if config.rule == "topk":
        nearest = cosine.topk(min(config.topk, cosine.shape[1]), dim=1).indices
        return torch.zeros_like(cosine, dtype=torch.bool).scatter(1, nearest, True)
    threshold = config.threshold
    if threshold is None:
        threshold = max(0.5, classes**-0.5 + 0.05)
    return cosine >= threshold


def choose(eligible: Tensor, order: Tensor, most: int) -> tuple[Tensor, Tensor, Tensor]:
    """Choose at most ``most`` eligible cells of a matrix, those with the smallest ``order``.

    Args:
        eligible: [R, C] bool.
        order: independent uniform numbers in [0, 1), [R, C]: they make the choice random.

    Returns:
        rows, columns and mask of N = min(most, R * C) cells, eligible ones first.
    """
    columns = eligible.shape[1]
    rank = torch.where(eligible, order, order + 1).flatten()  # ineligible ones last
    chosen = rank.argsort()[: min(most, rank.numel())]  # [N]
    return chosen // columns, chosen % columns, eligible.flatten()[chosen]


def in_a_pair(index: Tensor, mask: Tensor, videos: int) -> Tensor:
    """Which videos of a domain have a pair.

    Args:
        index: the video of each pair, [N].
        mask: [N].
        videos: B.

    Returns:
        [B] bool.
    """
    none = torch.zeros(videos, dtype=torch.bool, device=mask.device)
    return none.index_put((index,), mask, accumulate=True)
