"""The layers of any backbone by their depth, for rates that fall towards the input.

Clark et al., "ELECTRA", ICLR 2020, and Bao et al., "BEiT", ICLR 2022, train the layer l of L with
decay^(L - l) of the rate.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

_CONTAINERS = (nn.Sequential, nn.ModuleList)


def depth_groups(backbone: nn.Module) -> list[list[nn.Module]]:
    """The modules of a backbone, from the stem to the last block, none within another.

    A block is what a ``Sequential`` or ``ModuleList`` of compound modules holds: a residual block,
    a transformer's layer, a stage where its blocks are not to be seen. What comes before the first
    block is the stem; single layers between blocks go with the block before.

    Args:
        backbone: of any library.

    Returns:
        groups of modules, the stem first; all modules in one where there are no blocks.
    """
    groups: list[list[nn.Module]] = [[]]
    for module, is_block in _units(backbone, inside=False):
        if is_block and any(True for _ in module.parameters()):
            groups.append([])
        groups[-1].append(module)
    # Where the stem itself stands in the container of the blocks.
    return groups if any(True for m in groups[0] for _ in m.parameters()) else groups[1:] or groups


def parameters_by_depth(backbone: nn.Module) -> list[list[nn.Parameter]]:
    """All parameters of a backbone in the groups of `depth_groups`; those of no layer, like class
    tokens and position embeddings, with the stem."""
    groups = [
        [p for module in group for p in module.parameters()] for group in depth_groups(backbone)
    ]
    placed = {id(p) for group in groups for p in group}
    groups[0] += [p for p in backbone.parameters() if id(p) not in placed]
    return groups


def _units(module: nn.Module, *, inside: bool) -> Iterator[tuple[nn.Module, bool]]:
    """Modules in order and whether each is a block; ``inside`` of a container they may be."""
    children = list(module.children())
    if isinstance(module, _CONTAINERS):
        if not any(map(_is_compound, children)):
            yield module, inside and len(children) > 0
            return
        for child in children:
            yield from _units(child, inside=True)
    elif inside and not _stage(module):
        yield module, _is_compound(module)
    elif _holds_blocks(module):
        for child in children:
            yield from _units(child, inside=inside and not isinstance(child, _CONTAINERS))
    else:
        yield module, False


def _is_compound(module: nn.Module) -> bool:
    return any(True for _ in module.children())


def _stage(module: nn.Module) -> bool:
    """Whether it holds a container of blocks of one kind, as the stages of Swin and ConvNeXt do."""
    return any(
        isinstance(child, _CONTAINERS)
        and len({type(block) for block in child}) == 1
        and all(_is_compound(b) and not isinstance(b, _CONTAINERS) for b in child)
        for child in module.children()
    )


def _holds_blocks(module: nn.Module) -> bool:
    return any(
        isinstance(inner, _CONTAINERS) and any(map(_is_compound, inner.children()))
        for inner in module.modules()
    )
