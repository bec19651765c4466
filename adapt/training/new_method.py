"""A run's method as it is before the first step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..config.options import RunConfig
from ..data.domains import Domains
from ..methods import Method, Sizes, build


def new_method(config: RunConfig, domains: Domains) -> Method:
    """The run's method as it is before the first step."""
    with seeded(config.seed):
        return build(config.method, config.options, sizes_of(config, domains))


def sizes_of(config: RunConfig, domains: Domains) -> Sizes:
    """The sizes that the run's method has on these data."""
    return Sizes(
        in_features=domains.in_features,
        source_segments=config.source_segments,
        target_segments=config.target_segments,
        classes=len(domains.task.classes),
    )


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw torch's own random numbers from a seed in the block, and as before after it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
