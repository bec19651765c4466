"""RGB + Flow: two independently trained models, their logits averaged before the softmax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...cache import InputError
from ..runs.groups import Fusion, FusionWeights, Group, score
from ..runs.read import Predictions, Run
from ..runs.settings import settings_of

RGB, FLOW, FUSED = "rgb", "flow", "rgb+flow"
_SETS = ("target_test", "target_train")
_VALIDATION = "source_val"


def fuse_logits(rgb: np.ndarray, flow: np.ndarray, weights: FusionWeights) -> np.ndarray:
    """Weighted mean of two models' logits, in float64; of equal shapes."""
    total = weights.rgb * rgb.astype(float) + weights.flow * flow.astype(float)
    return total / (weights.rgb + weights.flow)


def fuse_runs(rgb: Run, flow: Run, weights: FusionWeights) -> Run:
    """Two runs as one, joined by video id, at every evaluation.

    Returns:
        a run whose path is a name, not a folder, and whose record is that of the RGB run. It has no
        source validation unless both have that of the same videos.

    Raises:
        InputError: they differ in task, classes, evaluations or videos.
    """
    shared: tuple[tuple[str, Callable[[Run], Any]], ...] = (
        ("tasks", lambda run: run.record.data.task),
        ("classes", lambda run: run.classes),
        ("labels of the classes", lambda run: run.record.data.target.labels),
        ("evaluation steps", lambda run: run.steps),
    )
    for what, of in shared:
        if of(rgb) != of(flow):
            raise InputError(f"cannot fuse {rgb.path} with {flow.path}: they differ in {what}")
    val = [
        run.predictions[_VALIDATION].ids for run in (rgb, flow) if _VALIDATION in run.predictions
    ]
    sets = (*_SETS, _VALIDATION) if len(val) == 2 and val[0] == val[1] else _SETS
    return replace(
        rgb,
        path=rgb.path.with_name(rgb.path.name.replace(f"_{RGB}_", f"_{FUSED}_")),
        predictions={name: _join(name, rgb, flow, weights) for name in sets},
    )


def fuse_groups(groups: Sequence[Group], weights: FusionWeights) -> tuple[list[Group], list[str]]:
    """Fuse every RGB group with the flow group of the same method, K, preset and task, seed by
    seed. Where several qualify, those that differ in the fewest settings are a pair.

    Returns:
        the fused groups, and lines to say: which groups have no partner and why, which pairs differ
        in a setting.

    Raises:
        InputError: nothing can be fused, or a pair differs in seeds, videos, classes or labels.
    """
    groups = [g for g in groups if g.modality in (RGB, FLOW)]
    fused: list[Group] = []
    alone: list[str] = []
    differing: list[str] = []
    for group in groups:
        partner = _nearest(group, groups)
        if partner is None or _nearest(partner, groups) is not group:
            alone.append(f"{group.label}, {group.modality}: {_why_alone(group, groups)}")
        elif group.modality == RGB:
            fused.append(_fuse(group, partner, weights))
            if keys := differing_settings(group, partner):
                said = f"{RGB} and {FLOW} differ in {', '.join(keys)}"
                differing.append(f"Fused {group.label}, {group.dataset}: {said}.")
    if not fused:
        why = f" ({alone[0]})" if alone else ""
        raise InputError(
            f"there is nothing to fuse: no method has runs of both {RGB} and {FLOW} with the same "
            f"K, preset and task{why}; train on both (adapt's modality=[{RGB!r}, {FLOW!r}], "
            f"--modality {RGB},{FLOW})"
        )
    return fused, [*differing, *(f"Not fused: {line}." for line in alone)]


def differing_settings(rgb: Group, flow: Group) -> list[str]:
    """The settings, beside the modality, in which a pair differs."""
    a, b = (settings_of(group.first) for group in (rgb, flow))
    return sorted(
        key
        for key in a.keys() | b.keys()
        if key != "modality" and not key.startswith("data.") and a.get(key) != b.get(key)
    )


def _fuse(rgb: Group, flow: Group, weights: FusionWeights) -> Group:
    if rgb.seeds != flow.seeds:
        seeds = [" ".join(map(str, group.seeds)) for group in (rgb, flow)]
        raise InputError(
            f"cannot fuse {rgb.label}, {rgb.dataset}: {RGB} has the seeds {seeds[0]} and {FLOW} "
            f"{seeds[1]}; repeat tcon adapt with equal --seeds"
        )
    pairs = zip(rgb.runs, flow.runs, strict=True)
    runs = tuple(fuse_runs(a, b, weights) for a, b in pairs)
    if not np.array_equal(rgb.truth, flow.truth):
        raise InputError(
            f"cannot fuse {rgb.label}, {rgb.dataset}: the target's feature files of {RGB} and "
            f"{FLOW} give other labels to the same videos"
        )
    return Group(runs, rgb.truth, score(runs, rgb.truth), Fusion(weights, rgb, flow))


def _nearest(group: Group, groups: Sequence[Group]) -> Group | None:
    """The other modality's group, of the same method, K, preset and task, that differs least."""

    def distance(other: Group) -> tuple[int, bool, bool]:
        return (
            len(differing_settings(group, other)),
            group.transfer != other.transfer,
            group.folder != other.folder,
        )

    return min(
        (g for g in _of_other_modality(group, groups) if _must_agree(g) == _must_agree(group)),
        key=distance,
        default=None,
    )


def _of_other_modality(group: Group, groups: Sequence[Group]) -> list[Group]:
    return [g for g in groups if g.method == group.method and g.modality != group.modality]


def _must_agree(group: Group) -> str:
    return f"K = {group.segments}, preset {group.preset}, task '{group.task}'"


def _why_alone(group: Group, groups: Sequence[Group]) -> str:
    others = _of_other_modality(group, groups)
    if not others:
        return "there are no runs of the other modality"
    have = sorted({_must_agree(other) for other in others})
    return f"{_must_agree(group)}; the other modality's runs have {'; '.join(have)}"


def _join(name: str, rgb: Run, flow: Run, weights: FusionWeights) -> Predictions:
    """The logits of both; they are sorted by id already."""
    a, b = rgb.predictions[name], flow.predictions[name]
    if a.ids != b.ids:
        only = sorted(set(a.ids) ^ set(b.ids))
        raise InputError(
            f"cannot fuse {rgb.path} with {flow.path}: {len(only)} videos of {name} are in one "
            f"alone, such as {only[0]}; extract both modalities of the same videos"
        )
    return Predictions(a.ids, fuse_logits(a.logits, b.logits, weights))
