"""The options that make features as a feature file's were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ...cache.common.plugins import require_plugin
from ...cache.errors import InputError
from ...cache.reader import FeatureFile
from ...cache.recipe import FlowRecipe, Recipe, Windows
from ..backbones import get_spec
from ..backbones.checkpoint import checkpoint_file, file_sha256
from ..backbones.registry import is_known
from .options import ExtractOptions
from .plan import Plan

_FROM_RGB = ", cross-modality"  # ends the name of RGB weights that were turned into flow's


def options_like(
    file: FeatureFile,
    *,
    weights: str | None = None,
    flow_weights: str | None = None,
    windows: Windows | None = None,
) -> ExtractOptions:
    """The options that give new videos features of the same recipe.

    Args:
        file: whose features are to be matched, in all its modalities.
        weights, flow_weights: the checkpoints, unless they were the published ones.
        windows: in place of the file's; features of windows and of whole clips are alike.

    Raises:
        InputError: the features were imported, or their backbone or weights are unavailable.
    """
    if not file.recipes:
        return ExtractOptions(modalities=(), windows=windows)
    first = next(iter(file.recipes.values()))
    for recipe in file.recipes.values():
        require_extracted(recipe, str(file.path))
    given = {"rgb": weights, "flow": flow_weights}
    rgb, flow = file.recipes.get("rgb"), file.recipes.get("flow")
    if flow and flow.weights.endswith(_FROM_RGB) and flow_weights is None:
        given["flow"] = weights
    loaded = {m: weights_for(recipe, given[m]) for m, recipe in file.recipes.items()}
    return ExtractOptions(
        modalities=tuple(m for m in ("rgb", "flow") if m in file.recipes),
        backbone=first.backbone,
        weights=loaded["rgb"] if rgb else loaded["flow"],
        flow_weights=loaded.get("flow"),
        sampling=first.sampling or ExtractOptions.sampling,
        clip_rate=first.clip_rate or "consecutive",
        windows=windows or first.windows,
        views=first.views,
        flow=(flow and flow.flow) or FlowRecipe(),
        precision=first.precision,
    )


def require_extracted(recipe: Recipe, whose: str) -> None:
    """See that new videos can get such features here.

    Args:
        recipe: of the features.
        whose: the file or run, for the message.

    Raises:
        InputError: they were imported, or nobody has registered their backbone.
    """
    if recipe.plugin and not is_known(recipe.backbone):
        require_plugin(recipe.plugin)
    if recipe.imported or recipe.sampling is None:
        raise InputError(
            f"the features of {whose} were not made by tcon extract (imported: {recipe.imported}, "
            f"backbone {recipe.backbone}), so new videos cannot get such features: use features "
            "that it made"
        )
    if not is_known(recipe.backbone):
        raise InputError(
            f"the features of {whose} need the backbone {recipe.backbone}, which is not registered "
            "here: give the file that registers it by --plugin FILE (from Python: plugins=[FILE])"
        )


def weights_for(recipe: Recipe, given: str | Path | None) -> str | None:
    """The weights to load: None for the published ones.

    Args:
        recipe: of the features.
        given: a checkpoint or the folder of a run, if the user names one.

    Raises:
        InputError: the file given is another one, or one must be given.
    """
    if str(given) == recipe.weights == "random":
        return "random"
    if given is not None:
        sha256 = file_sha256(checkpoint_file(str(given)))
        if sha256 != recipe.weights_sha256:
            raise InputError(
                f"--weights {given} (sha256 {sha256[:16]}...) is not {recipe.weights} (sha256 "
                f"{recipe.weights_sha256[:16] or 'none'}...) that the features were made with"
            )
        return str(given)
    if recipe.weights == "random":
        return "random"
    published = get_spec(recipe.backbone).weights
    if published and recipe.weights.removesuffix(_FROM_RGB) == published.name:
        return None
    raise InputError(
        f"the features were made with {recipe.weights} (sha256 {recipe.weights_sha256[:16]}...): "
        "give that checkpoint with --weights FILE"
    )


def require_same(plan: Plan, wanted: Mapping[str, Recipe], whose: str) -> None:
    """See that a plan makes features of these recipes.

    Args:
        plan: of new videos.
        wanted: recipes by modality.
        whose: the file or run that they are of, for the message.

    Raises:
        InputError: names what differs.
    """
    made = plan.recipes()
    for modality, recipe in wanted.items():
        recipe = replace(recipe, windows=plan.options.windows)
        if differences := made[modality].differences(recipe):
            raise InputError(
                f"new videos would get other features than {whose} ({'; '.join(differences)}): "
                "use the version of tcon that made them"
            )
