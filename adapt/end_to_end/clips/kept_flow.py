"""How the flow of end-to-end runs is computed: like the kept flow, where there is any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ....cache.errors import InputError, unknown
from ....cache.recipe import FlowRecipe
from ....extract.flow import ENGINES
from ....extract.flow.cache import FlowCache


def flow_recipe(kept: Sequence[Path], engine: str) -> FlowRecipe:
    """The recipe of both domains' flow: that of the kept flow, or the defaults.

    Args:
        kept: folders of flow caches.
        engine: computes the flow that is not kept.

    Raises:
        InputError: no such engine or cache, or the kept flow of the domains was made differently.
    """
    if engine not in ENGINES:
        raise unknown("flow engine", engine, ENGINES)
    recipes = [FlowCache.flow_of(folder) for folder in kept]
    if not recipes:
        return FlowRecipe()
    if difference := recipes[0].difference(recipes[-1]):
        raise InputError(
            f"the kept flow of the source was made differently from the target's ({difference}): "
            "keep both alike"
        )
    return recipes[0]
