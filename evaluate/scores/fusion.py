"""RGB + Flow: two independently trained models, their logits averaged before the softmax."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...cache import InputError
from ..runs.groups import Group, score
from ..runs.read import Predictions, Run, flatten

RGB, FLOW, FUSED = "rgb", "flow", "rgb+flow"
_SETS = ("target_test", "target_train")
_NO_SETTING = ("modality", "seed", "data", "tool_version")
_JOINED = ("source_sha256", "target_sha256", "backbone", "weights")  # may differ by modality


@dataclass(frozen=True)
class FusionWeights:
    """What each modality's logits count: equal in TCoN, 1 : 1.5 in TSN."""

    rgb: float = 1.0
    flow: float = 1.0

    @staticmethod
    def parse(text: str) -> FusionWeights:
        """``1:1.5`` to weights of RGB and flow.

        Raises:
            InputError: anything but two positive numbers.
        """
        try:
            rgb, flow = (float(part) for part in text.split(":"))
        except ValueError:
            rgb = flow = math.nan
        if not (0 < rgb < math.inf and 0 < flow < math.inf):
            raise InputError(
                f"--fuse {text}: no such run, and no weights of RGB and flow such as 1:1.5"
            )
        return FusionWeights(rgb, flow)

    def __str__(self) -> str:
        return f"{self.rgb:g}:{self.flow:g}"


def fuse_logits(rgb: np.ndarray, flow: np.ndarray, weights: FusionWeights) -> np.ndarray:
    """Weighted mean of two models' logits, in float64; of equal shapes."""
    total = weights.rgb * rgb.astype(float) + weights.flow * flow.astype(float)
    return total / (weights.rgb + weights.flow)


def fuse_runs(rgb: Run, flow: Run, weights: FusionWeights) -> Run:
    """Two runs as one, joined by video id, at every evaluation. Its path is a name, no folder.

    Raises:
        InputError: they differ in task, classes, evaluations or videos.
    """
    for what, of in (
        ("tasks", lambda run: run.data["task"]),
        ("classes", lambda run: run.classes),
        ("labels of the classes", lambda run: run.data["target_map"]),
        ("evaluation steps", lambda run: run.steps),
    ):
        if of(rgb) != of(flow):
            raise InputError(f"cannot fuse {rgb.path} with {flow.path}: they differ in {what}")
    data = dict(rgb.data)
    for key in _JOINED:
        data[key] = " + ".join(dict.fromkeys((rgb.data[key], flow.data[key])))
    name = rgb.path.name.replace(f"_{RGB}_", f"_{FUSED}_")
    return Run(
        path=rgb.path.with_name(name),
        record=rgb.record,
        classes=rgb.classes,
        steps=rgb.steps,
        predictions={name: _join(name, rgb, flow, weights) for name in _SETS},
        changes={"modality": FUSED, "fusion": str(weights), "data": data},
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
    groups = [g for g in groups if g.first.config["modality"] in (RGB, FLOW)]
    fused, alone, differing = [], [], []
    for group in groups:
        partner, modality = _nearest(group, groups), group.first.config["modality"]
        if partner is None or _nearest(partner, groups) is not group:
            alone.append(f"{group.label}, {modality}: {_why_alone(group, groups)}")
        elif modality == RGB:
            fused.append(_fuse(group, partner, weights))
            if keys := differing_settings(group, partner):
                said = f"{RGB} and {FLOW} differ in {', '.join(keys)}"
                differing.append(f"Fused {group.label}, {group.dataset}: {said}.")
    if not fused:
        why = f" ({alone[0]})" if alone else ""
        raise InputError(
            f"--fuse: no method has runs of both {RGB} and {FLOW} with the same K, preset and "
            f"task{why}; make them with tcon adapt --modality {RGB},{FLOW}"
        )
    return fused, [*differing, *(f"Not fused: {line}." for line in alone)]


def differing_settings(rgb: Group, flow: Group) -> list[str]:
    """The settings, beside the modality, in which a pair differs."""
    a, b = (
        flatten({k: v for k, v in g.first.config.items() if k not in _NO_SETTING})
        for g in (rgb, flow)
    )
    return sorted(key for key in a.keys() | b.keys() if a.get(key) != b.get(key))


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
    return Group(runs, rgb.truth, score(runs, rgb.truth))


def _nearest(group: Group, groups: Sequence[Group]) -> Group | None:
    """The other modality's group, of the same method, K, preset and task, that differs least."""

    def distance(other: Group) -> tuple[int, bool, bool]:
        return (
            len(differing_settings(group, other)),
            group.transfer != other.transfer,
            group.first.path.parent != other.first.path.parent,
        )

    return min(
        (g for g in _of_other_modality(group, groups) if _must_agree(g) == _must_agree(group)),
        key=distance,
        default=None,
    )


def _of_other_modality(group: Group, groups: Sequence[Group]) -> list[Group]:
    own = group.first.config["modality"]
    return [g for g in groups if g.method == group.method and g.first.config["modality"] != own]


def _must_agree(group: Group) -> str:
    config = group.first.config
    preset = config.get("preset", "matched")
    return f"K = {config['segments']}, preset {preset}, task '{group.first.data['task']}'"


def _why_alone(group: Group, groups: Sequence[Group]) -> str:
    others = _of_other_modality(group, groups)
    if not others:
        return "there are no runs of the other modality"
    have = sorted({_must_agree(other) for other in others})
    return f"{_must_agree(group)}; the other modality's runs have {'; '.join(have)}"


def _join(name: str, rgb: Run, flow: Run, weights: FusionWeights) -> Predictions:
    """Both are in the order of ids already."""
    a, b = rgb.predictions[name], flow.predictions[name]
    if a.ids != b.ids:
        only = sorted(set(a.ids) ^ set(b.ids))
        raise InputError(
            f"cannot fuse {rgb.path} with {flow.path}: {len(only)} videos of {name} are in one "
            f"alone, such as {only[0]}; extract both modalities of the same videos"
        )
    return Predictions(a.ids, fuse_logits(a.logits, b.logits, weights))
