"""Options of a run, and the runs of a grid."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ...cache.errors import InputError, unknown
from ..data.splits import TargetPool
from ..data.statistics import Normalise
from ..end_to_end.options import EndToEnd, usual_settings
from ..methods import FittedMethod, MethodConfig, entry
from ..training.optimiser import Optimiser, Schedule
from .settings import apply_settings

MATCHED = "matched"  # the preset that changes nothing


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The training that all methods share.

    Args:
        epochs: passes over the source; an epoch is ceil(source videos / batch_size) steps.
        min_steps: a run has at least this many steps, whatever the epochs say.
        batch_size: source videos in a batch.
        target_batch: target videos in a batch: ``equal`` to the source's, or ``proportional`` to
            the domains' sizes, so that both are passed over equally often.
        optimiser: ``adam``, or ``sgd`` with ``momentum``, ``nesterov`` or not.
        lr: rate at the start.
        schedule: how it falls (`optimiser.learning_rate`).
        lr_factor, lr_drops: under ``step`` it is multiplied by the factor at so many even moments.
        weight_decay: on all parameters.
        clip_norm: gradients are scaled down to this norm; 0 for no clipping.
        evaluations: how often metrics and logits are recorded, evenly over the run.
        normalise: standardise the features by nothing, by the source's statistics, or each domain
            by its own.
        holdout: share of each class of the source that validates where the source has no split
            for it.
        target_pool: unlabelled videos to adapt on: those of the ``task``'s classes, or ``all``.
    """

    epochs: int = 90
    min_steps: int = 600
    batch_size: int = 64
    target_batch: Literal["equal", "proportional"] = "equal"
    optimiser: Optimiser = "adam"
    momentum: float = 0.9
    nesterov: bool = False
    lr: float = 3e-4
    schedule: Schedule = "step"
    lr_factor: float = 0.1
    lr_drops: int = 2
    weight_decay: float = 5e-4
    clip_norm: float = 20.0
    evaluations: int = 30
    normalise: Normalise = "domain"
    holdout: float = 0.1
    target_pool: TargetPool = "task"

    def steps(self, source_videos: int) -> int:
        """Steps of a run."""
        return max(self.min_steps, self.epochs * self.steps_per_epoch(source_videos))

    def steps_per_epoch(self, source_videos: int) -> int:
        return -(-source_videos // self.batch_size)

    def target_batch_size(self, source_videos: int, target_videos: int) -> int:
        """Target videos in a batch, at least 1."""
        if self.target_batch == "equal":
            return self.batch_size
        return max(1, self.batch_size * target_videos // source_videos)


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run: a method on one modality with one number of segments and one seed.

    Args:
        segments: K of both domains, or ``K_s:K_t``.
        preset: the named settings that were applied first, a record.
        options: the method's own.
        end_to_end: how the backbone is trained; None in the cached mode.
    """

    method: str
    modality: str = "rgb"
    segments: int | str = 6
    seed: int = 0
    preset: str = MATCHED
    train: TrainConfig = field(default_factory=TrainConfig)
    options: MethodConfig = field(default_factory=MethodConfig)
    end_to_end: EndToEnd | None = None

    @property
    def source_segments(self) -> int:
        return int(str(self.segments).partition(":")[0])

    @property
    def target_segments(self) -> int:
        return int(str(self.segments).rpartition(":")[2])

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        k = str(self.segments).replace(":", "-")
        preset = "" if self.preset == MATCHED else f"_{self.preset}"
        mode = "_e2e" if self.end_to_end else ""
        return f"{self.method}_{self.modality}_k{k}{mode}{preset}_seed{self.seed}"


def preset_settings(preset: str, method: str, among: Sequence[str] = ()) -> list[str]:
    """The settings of a method's preset, as ``key=value`` with full keys.

    Raises:
        InputError: the method has no such preset; names which of ``among`` have it, else the
            nearest.
    """
    if preset == MATCHED:
        return []
    own = entry(method).presets
    if preset not in own:
        others = [name for name in among if preset in entry(name).presets]
        if not others:
            known = [MATCHED, *own, *(p for name in among for p in entry(name).presets)]
            raise unknown("preset", preset, list(dict.fromkeys(known)))
        raise InputError(
            f"{method} has no preset '{preset}', only {', '.join([MATCHED, *own])}; of the methods "
            f"to run {', '.join(others)} has it: run them by themselves"
        )
    return [key if key.startswith("train.") else f"{method}.{key}" for key in own[preset]]


def parse_segments(text: int | str) -> list[int | str]:
    """``4,6:4,6:6`` to what `RunConfig` takes of each: [4, "6:4", 6].

    Raises:
        InputError: anything but positive integers.
    """
    parsed: dict[int | str, None] = {}
    for part in str(text).split(","):
        counts = [count.strip() for count in part.split(":")]
        if len(counts) > 2 or not all(count.isdecimal() and int(count) for count in counts):
            raise InputError(
                f"--segments {text}: write it as 6, as 4,6,8 or, source:target, as 6:4"
            )
        source, target = int(counts[0]), int(counts[-1])
        parsed[source if source == target else f"{source}:{target}"] = None
    return list(parsed)


def make_runs(
    methods: Sequence[str],
    settings: Sequence[str] = (),
    *,
    modality: str = "rgb",
    segments: int | str = 6,
    seeds: int = 1,
    preset: str = MATCHED,
    end_to_end: bool = False,
) -> list[RunConfig]:
    """Every method on every modality with every number of segments and seed 0 to ``seeds - 1``.

    A `FittedMethod` needs the `source_only` run of equal training options: it is added before it
    where it is missing.

    Args:
        methods: registered names.
        settings: ``key=value``, applied after the preset.
        modality: names, separated by commas.
        segments: as `parse_segments` reads them.
        seeds: how many.
        preset: named settings of every method.
        end_to_end: train the backbone too.

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
    known = [*methods, *(["source_only"] if fitted else [])]
    runs: dict[RunConfig, None] = {}
    for method in dict.fromkeys(methods):
        for kind in filter(None, (name.strip() for name in modality.split(","))):
            usual = end_to_end_settings(method, kind, settings) if end_to_end else []
            own = preset_settings(preset, method, methods)
            roots = default_options(known, end_to_end=end_to_end)
            options = apply_settings([*usual, *own, *settings], roots)
            train = options["train"]
            _check_together(train, end_to_end=end_to_end)
            for k in parse_segments(segments):
                for seed in range(seeds):
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
                        matched = apply_settings(settings, roots)["train"]
                        base = dataclasses.replace(
                            run,
                            method="source_only",
                            preset=MATCHED if train == matched else f"{method}-{preset}",
                            options=options["source_only"],
                        )
                        runs[base] = None
                    runs[run] = None
    if not runs:
        raise InputError("no method or no modality is named")
    return list(runs)


def default_options(methods: Iterable[str], *, end_to_end: bool = False) -> dict[str, Any]:
    """What can be set, by the first word of its keys: ``train``, each method, perhaps ``e2e``."""
    roots = {"train": TrainConfig(), **{name: entry(name).config for name in methods}}
    return roots | ({"e2e": EndToEnd()} if end_to_end else {})


def end_to_end_settings(method: str, modality: str, settings: Sequence[str]) -> list[str]:
    """`usual_settings` of what the settings say."""
    own = [setting for setting in settings if setting.startswith("e2e.")]
    given = apply_settings(own, {"e2e": EndToEnd()})["e2e"]
    return usual_settings(method, given, modality=modality)


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
