"""The runs of a grid: every method on every modality, number of segments and seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from ...cache.errors import InputError
from ..end_to_end.options import EndToEnd, usual_settings
from ..methods import FittedMethod, entry
from . import defaults
from .options import RunConfig
from .presets import FAST, has_fast, preset_settings
from .seeds import read_seeds
from .settings import Settings, apply_settings, pairs
from .training import TrainConfig, parse_segments


def make_runs(
    methods: Sequence[str],
    settings: Settings = (),
    *,
    modality: str = defaults.MODALITY,
    segments: int | str = defaults.SEGMENTS,
    seeds: int | str | Sequence[int] = defaults.SEEDS,
    preset: str = defaults.PRESET,
    fast: bool = False,
    end_to_end: bool | EndToEnd = False,
) -> list[RunConfig]:
    """Every method on every modality with every number of segments and every seed.

    A `FittedMethod` needs the `source_only` run of equal training options: it is added before it
    where it is missing.

    Args:
        methods: registered names.
        settings: applied after the preset.
        modality: names, separated by commas.
        segments: as `parse_segments` reads them.
        seeds: how many, from 0 on; or which, as `read_seeds` reads them.
        preset: named settings of every method.
        fast: narrower networks, applied after the preset, for the methods that have such.
        end_to_end: train the backbone too, perhaps with these options.

    Raises:
        InputError: an unknown method or preset, a wrong setting, or a method that is fitted to
            cached features end to end.
    """
    fitted = [m for m in methods if issubclass(entry(m).method, FittedMethod)]
    if fitted and end_to_end:
        raise InputError(
            f"{fitted[0]} is fitted to cached features, not trained end to end: train source_only "
            "end to end, extract with --weights RUN, and run it on those features"
        )
    numbers = read_seeds(seeds)
    known = [*methods, *(["source_only"] if fitted else [])]
    given = pairs(settings)
    runs: dict[RunConfig, None] = {}
    for method in dict.fromkeys(methods):
        for kind in filter(None, (name.strip() for name in modality.split(","))):
            usual = end_to_end_settings(method, kind, given, end_to_end) if end_to_end else []
            own = preset_settings(preset, method, methods)
            own += preset_settings(FAST, method) if fast and has_fast(method) else []
            roots = default_options(known, end_to_end=end_to_end)
            options = apply_settings([*usual, *own, *given], roots)
            train = options["train"]
            _check_together(train, end_to_end=bool(end_to_end))
            for k in parse_segments(segments):
                for seed in numbers:
                    run = RunConfig(
                        method=method,
                        modality=kind,
                        segments=k,
                        seed=seed,
                        preset=preset,
                        train=train,
                        options=options[method],
                        end_to_end=options.get("e2e"),
                    )
                    if method in fitted and base_of(run, runs) is None:
                        matched = apply_settings(given, roots)["train"]
                        base = dataclasses.replace(
                            run,
                            method="source_only",
                            preset=defaults.PRESET if train == matched else f"{method}-{preset}",
                            options=options["source_only"],
                        )
                        runs[base] = None
                    runs[run] = None
    if not runs:
        raise InputError("no method or no modality is named")
    return list(runs)


def default_options(
    methods: Iterable[str], *, end_to_end: bool | EndToEnd = False
) -> dict[str, Any]:
    """What can be set, by the first word of its keys: ``train``, each method, perhaps ``e2e``."""
    roots: dict[str, Any] = {
        "train": TrainConfig(),
        **{name: entry(name).config for name in methods},
    }
    if not end_to_end:
        return roots
    return roots | {"e2e": end_to_end if isinstance(end_to_end, EndToEnd) else EndToEnd()}


def end_to_end_settings(
    method: str,
    modality: str,
    settings: Sequence[tuple[str, Any]],
    end_to_end: bool | EndToEnd = True,
) -> list[str]:
    """`usual_settings` of what the settings say; options that are given as a whole stay."""
    whole = isinstance(end_to_end, EndToEnd)
    own = [(key, value) for key, value in settings if key.startswith("e2e.")]
    given = apply_settings(own, {"e2e": end_to_end if whole else EndToEnd()})["e2e"]
    usual = usual_settings(method, given, modality=modality)
    return [setting for setting in usual if not (whole and setting.startswith("e2e."))]


def base_of(run: RunConfig, runs: Iterable[RunConfig]) -> RunConfig | None:
    """The `source_only` run that a fitted one starts from: all else but the options is equal."""

    def given(r: RunConfig) -> tuple[Any, ...]:
        return r.modality, r.segments, r.seed, r.train

    same = (r for r in runs if r.method == "source_only" and given(r) == given(run))
    return next(same, None)


def _check_together(train: TrainConfig, *, end_to_end: bool) -> None:
    if end_to_end and train.normalise != "none":
        raise InputError(
            "train.normalise is for cached features: end to end they change with every step"
        )
    if train.nesterov and (train.optimiser != "sgd" or not train.momentum):
        raise InputError("train.nesterov needs train.optimiser=sgd and a train.momentum above 0")
