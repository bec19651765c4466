"""Names by which people tell groups of runs apart."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .groups import Group


def row_name(group: Group, groups: Sequence[Group]) -> str:
    """The method and its preset; with the folder where another of the groups has the same name and
    the same input and number of segments."""

    def row(g: Group) -> tuple[str, ...]:
        return g.dataset, _name(g), g.modality, g.segments

    folders = [g.folder for g in groups if row(g) == row(group)]
    if len(folders) < 2:
        return _name(group)
    short = [folder.name for folder in folders].count(group.folder.name) == 1
    return f"{_name(group)} ({group.folder.name if short else group.folder})"


def full_name(group: Group, groups: Sequence[Group]) -> str:
    """The row's name with its data before it and its input and number of segments after it, as far
    as the groups differ in them."""

    def parts(g: Group) -> tuple[str, str, str, str]:
        return g.dataset, row_name(g, groups), g.modality, f"K = {g.segments}"

    everyone = [parts(g) for g in groups]
    own = parts(group)
    kept = [own[i] for i in range(4) if i == 1 or len({p[i] for p in everyone}) > 1]
    return " ".join(kept)


def folder_names(groups: Sequence[Group]) -> list[str]:
    """A name per group: its run folder's without the seed, after the folders above where runs of
    one name lie in several folders."""
    names = [group.first.path.name.removesuffix(f"_seed{group.first.seed}") for group in groups]
    if len(set(names)) == len(names):
        return names
    above = [group.folder.resolve() for group in groups]
    common = os.path.commonpath(above)
    return [
        "_".join([*folder.relative_to(common).parts, name])
        for folder, name in zip(above, names, strict=True)
    ]


def _name(group: Group) -> str:
    name = group.label if group.preset == "matched" else f"{group.label} {group.preset}"
    return f"{name} (oracle)" if group.reads_target_labels else name
