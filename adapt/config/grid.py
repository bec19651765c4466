"""A grid: runs on one pair of domains, as a plan or the command line asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...cache.errors import InputError
from ..methods import FittedMethod, entry
from . import defaults, recommended
from .keys import require_mode, settings_of, words
from .options import RunConfig
from .runs import make_runs

_DEFAULTS: dict[str, Any] = {
    "methods": defaults.METHODS,
    "modality": defaults.MODALITY,
    "segments": defaults.SEGMENTS,
    "seeds": defaults.SEEDS,
    "preset": defaults.PRESET,
    "output": defaults.OUTPUT,
}


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Runs on one pair of domains, still to be prepared.

    Args:
        source, target: feature files.
        runs: what to train.
        output: folder that gets one sub-folder per run.
        task: csv of classes or a shipped task's name; None for the class names that both share.
        exact_labels: labels name classes as they are written; else case, separators and the like do
            not count.
        continue_from: a finished run, or a folder with one of each run's name, whose weights the
            runs start from.
        oracle: permit methods that train on target labels.
        recommended: whether the recommended methods were asked for by that name, so that one of
            them is to be chosen.
    """

    source: Path
    target: Path
    runs: tuple[RunConfig, ...]
    output: Path = Path(defaults.OUTPUT)
    task: str | Path | None = None
    exact_labels: bool = False
    continue_from: Path | None = None
    oracle: bool = False
    recommended: bool = False

    @property
    def end_to_end(self) -> bool:
        """Whether its runs train the backbone."""
        return any(run.end_to_end for run in self.runs)


def make_grid(given: Mapping[str, Any]) -> Grid:
    """Make a grid from the keys of a plan or of the command line; defaults where a key is missing.

    Raises:
        InputError: no source or target, a preset that not all recommended methods have, or
            anything `make_runs` refuses.
    """
    options = {**_DEFAULTS, **given}
    for key in ("source", "target"):
        if not options.get(key):
            raise InputError(f"no {key}: name its feature file by --{key}, or a plan by --plan")
    for key, value in options.items():
        if isinstance(value, str) and not value.strip():
            raise InputError(f"{key} is empty: give it a value or leave it out")
    require_mode(options)
    methods = words(options, "methods")
    if recommended.NAME in methods:
        recommended.require_preset(options["preset"])
    runs = make_runs(
        recommended.expand(methods),
        settings_of(options),
        modality=",".join(words(options, "modality")),
        segments=",".join(words(options, "segments")),
        seeds=options["seeds"],
        preset=options["preset"],
        fast=options.get("fast", False),
        end_to_end=options.get("end_to_end", False),
    )
    continue_from = options.get("continue_from")
    if continue_from:
        _require_continuable(runs)
    return Grid(
        source=Path(options["source"]),
        target=Path(options["target"]),
        runs=tuple(runs),
        output=Path(options["output"], options.get("name", "")),
        task=options.get("task"),
        exact_labels=options.get("exact_labels", False),
        continue_from=Path(continue_from) if continue_from else None,
        oracle=options.get("oracle", False),
        recommended=recommended.NAME in methods,
    )


def _require_continuable(runs: Sequence[RunConfig]) -> None:
    """Refuse runs that cannot start from the weights of others."""
    for run in runs:
        if run.end_to_end:
            raise InputError(
                "--continue-from is for cached features: end to end, --weights RUN starts from the "
                "backbone that a run has trained"
            )
        if issubclass(entry(run.method).method, FittedMethod):
            raise InputError(
                f"{run.method} is fitted to its data from scratch: leave it out of --continue-from"
            )
