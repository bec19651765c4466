"""How new videos get the features that a run was trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...cache import InputError, Recipe
from ...cache.recipe import FlowRecipe, Views
from ...extract.backbones import get_spec, names
from ...extract.backbones.checkpoint import file_sha256
from ...extract.options import ExtractConfig, Plan
from ..run_folder import CHECKPOINT
from .loaded_run import LoadedRun


def plan_features(
    run: LoadedRun, machine: ExtractConfig, *, weights: str | Path | None = None
) -> Plan:
    """Plan the extraction of new videos, with the backbone loaded.

    Only the snippets that evaluation looks at are computed, of the centre view.

    Args:
        run: the run.
        machine: decoder, device, batch size, workers and limits; its precision replaces the run's
            unless it is "auto".
        weights: the backbone's checkpoint, unless its weights were the published ones.

    Raises:
        InputError: the features were imported, the weights are not the run's, or the machine
            cannot compute them.
    """
    made, modality = run.recipe, run.config.modality
    if run.config.end_to_end:
        if weights is not None:
            raise InputError(
                f"{run.path} trained its backbone end to end and holds it: leave out --weights "
                f"{weights}"
            )
        made = replace(made, weights_sha256=file_sha256(run.path / CHECKPOINT))
    if made.backbone not in names() or made.imported or made.sampling is None:
        origin = f"imported: {made.imported}" if made.imported else "which is not registered here"
        raise InputError(
            f"the features of {run.path} were not made by tcon extract (backbone "
            f"{made.backbone}, {origin}), so new videos cannot get such features: "
            "predict with a run on features that tcon extract made"
        )
    flow = made.flow or FlowRecipe()
    config = replace(
        machine,
        modalities=(modality,),
        backbone=made.backbone,
        weights=str(run.path) if run.config.end_to_end else _weights(made, weights),
        sampling=made.sampling,
        positions=run.positions(),
        views=Views(),
        flow=flow.parameters,
        flow_bound=flow.bound,
        flow_float=not flow.quantised,
        precision=made.precision if machine.precision == "auto" else machine.precision,
    )
    plan = Plan.make(config)
    wanted = replace(made, views=config.views, precision=config.precision)
    if differences := wanted.differences(plan.recipes()[modality]):
        raise InputError(
            f"new videos would get other features than {run.path} was trained on "
            f"({'; '.join(differences)}): use the version of tcon that made them"
        )
    return plan


def _weights(made: Recipe, given: str | Path | None) -> str | None:
    """The weights that `Plan.make` is to load; None for the published ones."""
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
