"""Options of a run, and how ``--set key=value`` changes them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from ..cache.errors import InputError, unknown
from .methods import MethodConfig, entry, names
from .normalise import Normalise

T = TypeVar("T")
_MAY_BE_ZERO = ("lr_drops", "min_steps")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The training that all methods share.

    Args:
        epochs: passes over the source; an epoch is ceil(source videos / batch_size) steps.
        min_steps: a run has at least this many steps, whatever the epochs say.
        batch_size: videos of each domain in a batch.
        lr: Adam's rate at the start.
        lr_factor, lr_drops: the rate is multiplied by the factor at so many even moments.
        weight_decay: on all parameters.
        clip_norm: gradients are scaled down to this norm; 0 for no clipping.
        evaluations: how often metrics and logits are recorded, evenly over the run.
        normalise: standardise the features by nothing, by the source's statistics, or each domain
            by its own.
    """

    epochs: int = 90
    min_steps: int = 600
    batch_size: int = 64
    lr: float = 3e-4
    lr_factor: float = 0.1
    lr_drops: int = 2
    weight_decay: float = 5e-4
    clip_norm: float = 20.0
    evaluations: int = 30
    normalise: Normalise = "domain"

    def steps(self, source_videos: int) -> int:
        """Steps of a run."""
        return max(self.min_steps, self.epochs * self.steps_per_epoch(source_videos))

    def steps_per_epoch(self, source_videos: int) -> int:
        return -(-source_videos // self.batch_size)


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run: a method on one modality with one number of segments and one seed."""

    method: str
    modality: str = "rgb"
    segments: int = 6
    seed: int = 0
    train: TrainConfig = field(default_factory=TrainConfig)
    options: MethodConfig = field(default_factory=MethodConfig)

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        return f"{self.method}_{self.modality}_k{self.segments}_seed{self.seed}"


def apply_settings(
    settings: Sequence[str], methods: Sequence[str], train: TrainConfig
) -> tuple[TrainConfig, dict[str, MethodConfig]]:
    """Apply ``key=value`` settings, e.g. ``train.lr=1e-3`` or ``tcon.pair.rule=argmax``.

    Args:
        settings: in the order given; the last wins.
        methods: the methods that will run; only their keys can be set.
        train: training options to start from.

    Returns:
        training options and each method's options.

    Raises:
        InputError: an unknown method or key (the nearest is named), or a value of another type.
    """
    roots: dict[str, Any] = {"train": train, **{name: entry(name).config for name in methods}}
    for setting in settings:
        key, equals, text = setting.partition("=")
        root, _, rest = key.strip().partition(".")
        if not equals:
            raise InputError(f"--set {setting}: write it as key=value")
        if root in names() and root not in roots:
            raise InputError(f"--set {setting}: method {root} is not among those to run")
        known = [f"{name}.{path}" for name, config in roots.items() for path in keys(config)]
        if key.strip() not in known:
            raise unknown("setting", key.strip(), known)
        roots[root] = _replace(roots[root], rest.split("."), text.strip(), setting)
    return roots.pop("train"), roots


def make_runs(
    methods: Sequence[str],
    settings: Sequence[str] = (),
    *,
    modality: str = "rgb",
    segments: int = 6,
    seeds: int = 1,
) -> list[RunConfig]:
    """A run per method and seed 0 to ``seeds - 1``, with ``key=value`` settings applied.

    Raises:
        InputError: an unknown method or a wrong setting.
    """
    train, options = apply_settings(settings, methods, TrainConfig())
    return [
        RunConfig(
            method=method,
            modality=modality,
            segments=segments,
            seed=seed,
            train=train,
            options=options[method],
        )
        for method in options
        for seed in range(seeds)
    ]


def keys(config: Any) -> Iterator[str]:
    """Dotted names of every leaf of a nested dataclass."""
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if dataclasses.is_dataclass(value):
            yield from (f"{f.name}.{key}" for key in keys(value))
        else:
            yield f.name


def _replace(config: T, path: list[str], text: str, setting: str) -> T:
    name, *rest = path
    if rest:
        value = _replace(getattr(config, name), rest, text, setting)
    else:
        value = _parse(text, get_type_hints(type(config))[name], setting)
        _check_range(name, value, setting)
    return dataclasses.replace(config, **{name: value})


def _parse(text: str, kind: Any, setting: str) -> Any:
    options = get_args(kind)
    if get_origin(kind) is Literal:
        if text not in options:
            raise InputError(f"--set {setting}: '{text}' is not one of {', '.join(options)}")
        return text
    if NoneType in options and text.lower() == "none":
        return None
    kind = next((option for option in options if option is not NoneType), kind)
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError):
        raise InputError(f"--set {setting}: '{text}' is no {kind.__name__}") from None


def _check_range(name: str, value: Any, setting: str) -> None:
    """Refuse numbers that no option can mean: counts below 1, dropout of everything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if not math.isfinite(value):
        raise InputError(f"--set {setting}: it must be finite")
    if name == "dropout" and not 0 <= value < 1:
        raise InputError(f"--set {setting}: it must be at least 0 and below 1")
    if name in ("tau", "att_tau", "lr") and value <= 0:
        raise InputError(f"--set {setting}: it must be above 0")
    smallest = 0 if isinstance(value, float) or name in _MAY_BE_ZERO else 1
    if value < smallest:
        raise InputError(f"--set {setting}: it must be at least {smallest}")
