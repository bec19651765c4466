"""How the flow of end-to-end runs is computed: as that which is kept was."""

from __future__ import annotations

from ...cache.errors import InputError, unknown
from ...cache.recipe import FlowRecipe
from ...extract.flow import ENGINES
from ...extract.flow.cache import FlowCache
from .decoding import Decoding


def flow_recipe(decoding: Decoding) -> FlowRecipe:
    """How the flow of both domains is computed: as kept flow was, or by the defaults.

    Raises:
        InputError: no such engine or cache, or the two domains' flow was made differently.
    """
    if decoding.flow_engine not in ENGINES:
        raise unknown("flow engine", decoding.flow_engine, ENGINES)
    folders = filter(None, (decoding.source_flow, decoding.target_flow))
    made = [FlowCache.flow_of(folder) for folder in folders]
    if not made:
        return FlowRecipe()
    if difference := made[0].difference(made[-1]):
        raise InputError(
            f"the kept flow of source and target was made differently ({difference}; "
            "source != target): keep both alike"
        )
    return made[0]
