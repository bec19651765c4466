"""Standardise cached features by the statistics of unlabelled training videos.

Each domain by its own mean and deviation removes the part of the shift that is the same for every
video, as adaptive batch normalisation does (AdaBN, Li et al. 2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ..config.training import Normalise
from .domains import Domains, Videos, with_features
from .features import standardise

Statistics = Mapping[str, Mapping[str, Tensor]]  # by domain, the mean and deviation [D_in]
_ROWS = 512  # in float64 at once: larger chunks leave the processor's caches
_FLOOR = 0.05  # of the mean deviation: a dimension that hardly varies must not be amplified


def normalise(domains: Domains[Videos], how: Normalise) -> Domains[Videos]:
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
    return standardise_domains(domains, {"source": source, "target": target})


def standardise_domains(domains: Domains[Videos], statistics: Statistics) -> Domains[Videos]:
    """The same domains, standardised by these statistics; see `standardise`.

    Args:
        domains: both domains.
        statistics: each domain's ``mean`` and ``deviation`` [D_in]; none leave the features as
            they are.
    """
    if not statistics:
        return domains
    source = standardise(domains.source_train.features, **statistics["source"])
    target = standardise(domains.target_train.features, **statistics["target"])
    kept = {
        name: {key: value.cpu() for key, value in own.items()} for name, own in statistics.items()
    }
    return replace(with_features(domains, source, target), statistics=kept)


def _statistics(videos: Videos) -> dict[str, Tensor]:
    """``mean`` and floored ``deviation`` [D_in] float32 over all views of the videos' snippets."""
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
    return {"mean": mean.float(), "deviation": deviation.clamp(min=float(floor)).float()}
