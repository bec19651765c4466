"""A finished run, loaded to predict: its configuration and its checkpoint, no feature file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...cache import InputError, Recipe
from ...cache.legacy import recipe_from_texts
from ...cache.records import from_data
from ..config.runs import RunConfig
from ..data.statistics import Statistics
from ..methods import Method, Sizes, build
from ..run_folder import CHECKPOINT, CONFIG
from .feature_files import Domain, feature_file
from .rebuild import run_config


@dataclass(frozen=True)
class LoadedRun:
    """A run after its last step, on the CPU.

    Args:
        path: its folder.
        config: its options.
        data: what it was trained on.
        method: in evaluation mode; its parameters take no gradients.
        statistics: the ``mean`` and ``deviation`` [D_in] that each domain's features were
            standardised by; empty where they were not.
        recipe: how the target's features were made.
    """

    path: Path
    config: RunConfig
    data: Mapping[str, Any]
    method: Method
    statistics: Statistics
    recipe: Recipe

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, [C]."""
        return tuple(self.data["classes"])

    def segments(self, domain: Domain = "target") -> int:
        """K of a domain's videos."""
        config = self.config
        return config.source_segments if domain == "source" else config.target_segments

    def positions(self, domain: Domain = "target") -> int:
        """How many snippets of each video the method sees, K m."""
        return self.segments(domain) * self.method.snippets


def load_run(
    path: str | Path, *, features: Path | None = None, recipe: Recipe | None = None
) -> LoadedRun:
    """Load a finished run.

    Args:
        path: its folder, or a folder that holds this run alone.
        features: the target's feature file, if it has moved; only for runs that do not record how
            their features were made.
        recipe: how the target's features were made, for such runs too, instead of their file.

    Raises:
        InputError: there is no run, or several; it is unfinished or damaged; or ``features`` is
            given but not needed.
    """
    folder = only_run(Path(path))
    try:
        content = json.loads((folder / CONFIG).read_text())
        config, data = run_config(content), content["data"]
        made = data.get("target_provenance")
        if made and features:
            raise InputError(
                f"{folder} records how its features were made: leave out --features {features}"
            )
        if made:
            recipe = _recipe(made)
        elif recipe is None:
            file = feature_file(folder, content, "target", features)
            recipe = file.recipes[config.modality]
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{folder / CONFIG} is damaged ({error}): repeat the run") from None
    sizes = Sizes(
        in_features=recipe.dim,
        source_segments=config.source_segments,
        target_segments=config.target_segments,
        classes=len(data["classes"]),
    )
    method = build(config.method, config.options, sizes).eval().requires_grad_(False)
    statistics = load_checkpoint(folder / CHECKPOINT, method)
    return LoadedRun(folder, config, data, method, statistics, recipe)


def _recipe(made: Mapping[str, Any]) -> Recipe:
    """What a run keeps of how its features were made."""
    return from_data(Recipe, made) if "imported" in made else recipe_from_texts(made)


def only_run(path: Path) -> Path:
    """The folder of the one finished run in a folder.

    Raises:
        InputError: there is none, or more than one.
    """
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


def load_checkpoint(path: Path, method: Method) -> Statistics:
    """Load a run's final weights into its method.

    Returns:
        each domain's ``mean`` and ``deviation`` [D_in]; empty where features were not standardised.

    Raises:
        InputError: the checkpoint is missing or damaged, or is another method's.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        method.load_state_dict(checkpoint["method"])
        return checkpoint["normalise"]
    except Exception as error:  # a damaged checkpoint fails in many ways
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path} does not fit its run ({reason}): repeat the run") from None
