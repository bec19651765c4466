"""How new videos get the features that a run was trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...cache import InputError
from ...cache.recipe import FlowRecipe, Views, Windows
from ...extract.backbones.checkpoint import file_sha256
from ...extract.features.like import require_extracted, require_same, weights_for
from ...extract.features.options import ExtractOptions
from ...extract.features.plan import Plan
from ...extract.machine.machine import Machine
from ..run.folder import CHECKPOINT
from .loaded_run import LoadedRun


def plan_features(
    run: LoadedRun,
    machine: Machine | None = None,
    *,
    weights: str | Path | None = None,
    precision: str = "auto",
    windows: Windows | None = None,
) -> Plan:
    """Plan the extraction of new videos, with the backbone loaded.

    Only the snippets that evaluation looks at are computed, of the centre view.

    Args:
        run: the run.
        machine: devices, decoding processes and limits.
        weights: the backbone's checkpoint, unless its weights were the published ones.
        precision: in place of the run's; "auto" is the run's.
        windows: that recordings are cut into; None for those of the run's target, if it had any.

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
    require_extracted(made, str(run.path))
    precision = made.precision if precision == "auto" else precision
    options = ExtractOptions(
        modalities=(modality,),
        backbone=made.backbone,
        weights=str(run.path) if run.config.end_to_end else weights_for(made, weights),
        sampling=made.sampling or ExtractOptions.sampling,
        clip_rate=made.clip_rate or "consecutive",
        positions=run.positions(),
        windows=windows or made.windows,
        views=Views(),
        flow=made.flow or FlowRecipe(),
        precision=precision,
    )
    plan = Plan.make(options, machine)
    wanted = replace(made, views=Views(), precision=precision)
    require_same(plan, {modality: wanted}, f"{run.path} was trained on")
    return plan
