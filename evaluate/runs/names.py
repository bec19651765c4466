"""Names by which people tell groups of runs apart."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ...adapt.run.seeds import without_seed
from .groups import Group
from .values import as_text


def row_name(group: Group, groups: Sequence[Group]) -> str:
    """The method and its preset.

    Where another of the groups has the same name and the same input and number of segments, also
    the folder, if theirs differ, and the settings in which those of one folder differ.
    """

    def row(g: Group) -> tuple[str, ...]:
        return g.dataset, _name(g), g.modality, g.segments

    alike = [g for g in groups if row(g) == row(group)]
    here = [g for g in alike if g.folder == group.folder]
    words = []
    if len(here) < len(alike):
        others = {g.folder.name for g in alike if g.folder != group.folder}
        words.append(str(group.folder) if group.folder.name in others else group.folder.name)
    if len(here) > 1:
        words += _differing_settings(group, here)
    return f"{_name(group)} ({', '.join(words)})" if words else _name(group)


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


def predicting_path(group: Group) -> Path:
    """What ``tcon predict`` takes for a group: the name of its seeds, or its first run where they
    have no name in common or cannot predict together."""
    names = {without_seed(run.path) for run in group.runs}
    together = len(names) == 1 < len(group.runs) and not group.record.run.end_to_end
    return names.pop() if together else group.first.path


def _name(group: Group) -> str:
    name = group.label if group.preset == "matched" else f"{group.label} {group.preset}"
    return f"{name} (oracle)" if group.reads_target_labels else name


def _differing_settings(group: Group, groups: Sequence[Group]) -> list[str]:
    """The group's settings that all groups have and not all alike, as ``--set`` takes them; its
    seeds where there are none."""
    own, each = _settings(group), [_settings(g) for g in groups]
    shared = [key for key in own if all(key in settings for settings in each)]
    differing = [key for key in shared if len({settings[key] for settings in each}) > 1]
    return [f"{key}={own[key]}" for key in differing] or [
        f"seeds {' '.join(map(str, group.seeds))}"
    ]


def _settings(group: Group) -> dict[str, str]:
    """As text; of a fused group both, if they differ: ``fp32+bf16``."""
    first, *others = (part.record.settings() for part in group.parts)
    return {
        key: "+".join(dict.fromkeys(as_text(own[key]) for own in (first, *others) if key in own))
        for key in first
    }
