"""How deep the parts of a backbone lie, whatever network it is.

As in the fine-tuning of BEiT (Bao et al., 2022), a depth is a block: a stem first, then one block
after another.
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

_SERIES = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def depth_groups(network: nn.Module) -> list[list[nn.Module]]:
    """All modules by depth, from the stem on, each with its own parameters, not its children's.

    Blocks are the items of a network's series of like items. What comes before the first of them is
    the stem; what stands between two, such as the downsampling of a stage, belongs to the one that
    follows; what follows the last belongs to that. Without such series every layer is a depth.
    Modules count in the order in which they were registered.
    """
    blocks = [[block] for block in _blocks(network)] or _layers(network)
    depths = {m: n for n, tops in enumerate(blocks, 1) for top in tops for m in top.modules()}
    groups: list[list[nn.Module]] = [[] for _ in range(len(blocks) + 1)]
    reached = 0
    for module in network.modules():
        reached = depths.get(module, reached)
        between = min(reached + 1, len(blocks)) if reached else 0
        groups[depths.get(module, between)].append(module)
    return [group for group in groups if any(map(own_parameters, group))]


def _blocks(network: nn.Module) -> list[nn.Module]:
    """Items of series with two matrices or more, where some item is followed by one of its type.

    Stages, whose items are blocks, are none, and neither are items inside a block.
    """
    series = [_items(m) for m in network.modules() if isinstance(m, _SERIES)]
    kinds = {type(m) for each in series for m in each if _is_block(m)}
    items = [m for each in series for m in each if type(m) in kinds]
    types = {type(m) for each in series for m, after in pairwise(each) if type(m) is type(after)}
    like = {m for m in items if type(m) in types}
    if not like:
        return []
    lowest = [m for m in items if not any(inner in like for inner in _inside(m))]
    inside = {inner for m in lowest for inner in _inside(m)}
    return [m for m in network.modules() if m in set(lowest) - inside]


def _items(series: nn.Module) -> list[nn.Module]:
    return [m for m in series.children() if any(True for _ in m.parameters())]


def _is_block(module: nn.Module) -> bool:
    """Not a layer with its norm: it has several matrices, or kernels."""
    return not isinstance(module, _SERIES) and sum(p.ndim > 1 for p in module.parameters()) > 1


def _inside(module: nn.Module) -> list[nn.Module]:
    return list(module.modules())[1:]


def _layers(network: nn.Module) -> list[list[nn.Module]]:
    """The parts of a network without blocks, each with what has no matrix of its own after it."""
    layers: list[list[nn.Module]] = []
    for part in _parts(network, outermost=True):
        if not layers or any(p.ndim > 1 for p in part.parameters()):
            layers.append([])
        layers[-1].append(part)
    return layers


def _parts(module: nn.Module, *, outermost: bool = False) -> list[nn.Module]:
    """What it is made of, series unfolded, and what merely wraps a network, too."""
    items = _items(module)
    if not items or not (outermost or isinstance(module, _SERIES)):
        return [module]
    wraps = outermost and len(items) == 1
    return [part for item in items for part in _parts(item, outermost=wraps)]


def own_parameters(module: nn.Module) -> list[nn.Parameter]:
    """Those that none of its children has."""
    return list(module.parameters(recurse=False))
