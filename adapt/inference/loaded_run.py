"""A finished run as what predicts new videos: its config and its checkpoint, no feature file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ...cache import InputError, Provenance
from ...extract.backbones import get_spec, names
from ...extract.backbones.checkpoint import file_sha256
from ...extract.flow import Parameters
from ...extract.flow.cutting import parse_flow
from ...extract.options import ExtractConfig, Plan
from ...extract.snippets.sampling import CentralSampling, Sampling
from ...extract.snippets.views import Views
from ..config.runs import RunConfig
from ..methods import Method, Sizes, build
from ..run_folder import CHECKPOINT, CONFIG
from .feature_files import feature_file
from .rebuild import load_checkpoint, run_config


@dataclass(frozen=True)
class Deployed:
    """A run after its last step, on the CPU.

    Args:
        path: its folder.
        config: its options.
        classes: their names, [C].
        method: in evaluation, which takes no gradients.
        statistics: the target's ``mean`` and ``deviation`` [D_in]; None where features were not
            standardised.
        made: how the target's features were made.
    """

    path: Path
    config: RunConfig
    classes: tuple[str, ...]
    method: Method
    statistics: tuple[Tensor, Tensor] | None
    made: Provenance

    @property
    def segments(self) -> int:
        """K."""
        return self.config.target_segments

    @property
    def positions(self) -> int:
        """Snippets of each video that the method sees, K m."""
        return self.segments * self.method.snippets


def load_deployed(path: Path, *, features: Path | None = None) -> Deployed:
    """Rebuild a run for new videos.

    Args:
        path: its folder, or one that holds no other run.
        features: the target's feature file, if it has moved; for runs alone that do not say
            themselves how their features were made.

    Raises:
        InputError: no run there, or several, or an unfinished or damaged one, or a file that it
            does not need.
    """
    folder = _only_run(path)
    try:
        content = json.loads((folder / CONFIG).read_text())
        config, data = run_config(content), content["data"]
        classes, made = tuple(data["classes"]), data.get("target_provenance")
        if made and features:
            raise InputError(
                f"{folder} says itself how its features were made: leave out --features {features}"
            )
        made = Provenance(**made) if made else _made(folder, content, features)
        if config.end_to_end:
            made = replace(made, weights_sha256=file_sha256(folder / CHECKPOINT))
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{folder / CONFIG} is damaged ({error}): repeat the run") from None
    sizes = Sizes(
        in_features=made.dim,
        source_segments=config.source_segments,
        target_segments=config.target_segments,
        classes=len(classes),
    )
    method = build(config.method, config.options, sizes).eval().requires_grad_(False)
    target = load_checkpoint(folder, method).get("target")
    statistics = (target["mean"], target["deviation"]) if target else None
    return Deployed(folder, config, classes, method, statistics, made)


def make_plan(
    deployed: Deployed, machine: ExtractConfig, *, weights: str | Path | None = None
) -> Plan:
    """How videos get the features that the run was trained on, with the backbone loaded.

    Only the snippets that evaluation looks at are computed, of the centre view.

    Args:
        machine: decoder, device, batch size, workers and limits; its precision replaces the run's
            unless it is "auto".
        weights: the backbone's checkpoint, where it had not the published weights.

    Raises:
        InputError: features that were imported, other weights, or a machine that cannot do it.
    """
    made, modality = deployed.made, deployed.config.modality
    if deployed.config.end_to_end and weights is not None:
        raise InputError(
            f"{deployed.path} trained its backbone end to end and holds it: leave out --weights "
            f"{weights}"
        )
    if made.backbone not in names() or made.imported:
        raise InputError(
            f"the features of {deployed.path} were not made by tcon extract (backbone "
            f"{made.backbone}, {made.preprocessing}), so new videos cannot get such features: "
            "predict with a run on features that tcon extract made"
        )
    sampling = Sampling.parse(made.sampling)
    flow, bound, quantised = parse_flow(made.flow) if made.flow else (Parameters(), 20.0, True)
    config = replace(
        machine,
        modalities=(modality,),
        backbone=made.backbone,
        weights=str(deployed.path) if deployed.config.end_to_end else _weights(made, weights),
        sampling=CentralSampling(sampling.rule, sampling.value, positions=deployed.positions),
        views=Views(),
        flow=flow,
        flow_bound=bound,
        flow_float=not quantised,
        precision=made.precision if machine.precision == "auto" else machine.precision,
    )
    plan = Plan.make(config)
    wanted = replace(made, views=str(config.views), precision=config.precision)
    if differences := wanted.differences(plan.provenance("")[modality]):
        raise InputError(
            f"new videos would get other features than {deployed.path} was trained on "
            f"({'; '.join(differences)}): take the version of tcon that made them"
        )
    return plan


def backbone_of(deployed: Deployed, plan: Plan) -> nn.Module:
    """The run's backbone: normalised snippets [n, ...] to features [n, D_in]."""
    return plan.backbones[deployed.config.modality].module


def _only_run(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"no such run: {path}")
    folders = sorted(config.parent for config in path.rglob(CONFIG))
    if not folders:
        raise InputError(f"{path} holds no run: make one with tcon adapt -o {path}")
    if len(folders) > 1:
        raise InputError(f"{path} holds {len(folders)} runs: name one, such as {folders[0]}")
    if not (folders[0] / CHECKPOINT).exists():
        raise InputError(f"the run {folders[0]} is not finished: continue it with tcon adapt")
    return folders[0]


def _made(folder: Path, config: Mapping[str, Any], features: Path | None) -> Provenance:
    """From the feature file: runs did not always say it themselves."""
    return feature_file(folder, config, "target", features).provenance[config["modality"]]


def _weights(made: Provenance, given: str | Path | None) -> str | None:
    """What `Plan.make` is to load: None for the published weights."""
    if given is not None:
        sha256 = file_sha256(Path(given))
        if sha256 != made.weights_sha256:
            raise InputError(
                f"--weights {given} (sha256 {sha256[:16]}...) is not {made.weights} (sha256 "
                f"{made.weights_sha256[:16] or 'none'}...) that the run's features were made with"
            )
        return str(given)
    if made.weights == "random":
        return "random"
    if made.weights.removesuffix(", cross-modality") == get_spec(made.backbone).weights.name:
        return None
    raise InputError(
        f"the run's features were made with {made.weights} (sha256 {made.weights_sha256[:16]}...): "
        "give that checkpoint with --weights FILE"
    )
