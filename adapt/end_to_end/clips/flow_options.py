"""How the flow of end-to-end runs is computed: like the kept flow, where there is any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ....cache import InputError
from ....extract.flow.cache import FlowCache
from ....extract.options import ExtractConfig


def flow_options(kept: Sequence[Path], engine: str) -> ExtractConfig:
    """Engine, parameters and bound of both domains' flow; the defaults where none is kept.

    Args:
        kept: folders of flow caches.
        engine: computes the flow that is not kept.

    Raises:
        InputError: no such engine or cache, or the kept flow of the domains was made differently.
    """
    config = ExtractConfig(modalities=("flow",), flow_engine=engine)
    recipes = [FlowCache.flow_of(folder) for folder in kept]
    if not recipes:
        return config
    if difference := recipes[0].difference(recipes[-1]):
        raise InputError(
            f"the kept flow of source and target was made differently ({difference}; "
            "source != target): keep both alike"
        )
    return replace(config, flow=recipes[0].parameters, flow_bound=recipes[0].bound)
