"""How the flow of end-to-end runs is computed: as that which is kept was."""

from __future__ import annotations

from dataclasses import replace

from ...cache import InputError
from ...extract.flow.cache import FlowCache
from ...extract.options import ExtractConfig
from .decoding import Decoding


def flow_options(decoding: Decoding) -> ExtractConfig:
    """Engine, parameters and bound of the flow of both domains; the defaults where none is kept.

    Raises:
        InputError: no such engine or cache, or the two domains' flow was made differently.
    """
    config = ExtractConfig(modalities=("flow",), flow_engine=decoding.flow_engine)
    folders = filter(None, (decoding.source_flow, decoding.target_flow))
    made = [FlowCache.flow_of(folder) for folder in folders]
    if not made:
        return config
    if difference := made[0].difference(made[-1]):
        raise InputError(
            f"the kept flow of source and target was made differently ({difference}; "
            "source != target): keep both alike"
        )
    return replace(config, flow=made[0].parameters, flow_bound=made[0].bound)  # levels are whole
