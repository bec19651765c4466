"""Standardise cached features by the statistics of unlabelled training videos.

Each domain by its own mean and deviation removes the part of the shift that is the same for every
video, as adaptive batch normalisation does (AdaBN, Li et al. 2016).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..config.options import Normalise
from .domains import Domains, Videos

_ROWS = 65536  # rows in float32 at once
_FLOOR = 0.05  # of the mean deviation: a dimension that hardly varies must not be blown up


def normalise(domains: Domains, how: Normalise) -> Domains:
    """The same domains with other features, and the statistics that made them.

    Args:
        domains: both domains.
        how: ``none``; ``source`` standardises both domains by the source's training videos;
            ``domain`` each by its own training videos.
    """
    if how == "none":
        return domains
    source = _statistics(domains.source_train)
    target = source if how == "source" else _statistics(domains.target_train)
    changed = {}
    for name, statistics in (("source", source), ("target", target)):
        features = standardise(getattr(domains, f"{name}_train").features, *statistics)
        for split in (f"{name}_train", f"{name}_val", f"{name}_test"):
            if getattr(domains, split, None) is not None:
                changed[split] = replace(getattr(domains, split), features=features)
    statistics = {
        name: {"mean": mean.cpu(), "deviation": deviation.cpu()}
        for name, (mean, deviation) in (("source", source), ("target", target))
    }
    return replace(domains, statistics=statistics, **changed)


def _statistics(videos: Videos) -> tuple[Tensor, Tensor]:
    """Mean and floored deviation [D_in] over all views of these videos' snippets, float32."""
    rows = torch.repeat_interleave(videos.start, videos.count)
    first = torch.repeat_interleave(videos.count.cumsum(0) - videos.count, videos.count)
    rows = rows + torch.arange(len(rows), device=rows.device) - first  # every snippet [S]
    views = torch.arange(videos.views, device=rows.device)
    rows = (rows[:, None] * videos.views + views).flatten()  # [S V]
    total = torch.zeros(videos.features.shape[1], dtype=torch.float64, device=rows.device)
    squares = total.clone()
    for chunk in rows.split(_ROWS):
        x = videos.features[chunk].double()
        total += x.sum(0)
        squares += x.square().sum(0)
    mean = total / len(rows)
    deviation = (squares / len(rows) - mean.square()).clamp(min=0).sqrt()
    floor = _FLOOR * deviation.mean() or 1.0  # one snippet alone has no deviation
    return mean.float(), deviation.clamp(min=float(floor)).float()


def standardise(features: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """(x - mean) / deviation in the features' type, float16, chunk by chunk; [S V, D_in]."""
    result = torch.empty_like(features)
    for chunk, out in zip(features.split(_ROWS), result.split(_ROWS), strict=True):
        out.copy_((chunk.float() - mean) / deviation)
    return result
