"""The options of a run. Ranges stand beside the fields (`ranges`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PlainSerializer, ValidationInfo, WrapValidator

from ...cache.common.ranges import BelowOne, Count, NonNegative, Positive, Whole
from ...cache.common.records import from_data, to_data, validate
from ...cache.errors import InputError
from ..end_to_end.options import EndToEnd
from ..methods import MethodConfig, entry, names
from . import defaults

Optimiser = Literal["adam", "sgd"]
Schedule = Literal["step", "dann", "inverse"]
Normalise = Literal["none", "source", "domain"]
TargetPool = Literal["task", "all"]
Precision = Literal["auto", "fp32", "bf16"]
Name = Annotated[str, Field(max_length=200)]
SegmentCount = Annotated[int, Field(ge=1, le=999)]


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
        lr: learning rate at the start.
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
        precision: of matrix products in training: ``fp32``, ``bf16``, or ``auto`` for what the
            device is faster at (`precision.choose`). A run's record says which it was.
    """

    epochs: Count = defaults.EPOCHS
    min_steps: Whole = defaults.MIN_STEPS
    batch_size: Count = 64
    target_batch: Literal["equal", "proportional"] = "equal"
    optimiser: Optimiser = "adam"
    momentum: BelowOne = 0.9
    nesterov: bool = False
    lr: Positive = 3e-4
    schedule: Schedule = "step"
    lr_factor: NonNegative = 0.1
    lr_drops: Whole = 2
    weight_decay: NonNegative = 5e-4
    clip_norm: NonNegative = 20.0
    evaluations: Count = 30
    normalise: Normalise = "domain"
    holdout: BelowOne = 0.1
    target_pool: TargetPool = "task"
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        validate(self)

    def steps(self, source_videos: int) -> int:
        """Steps of a run."""
        return max(self.min_steps, self.epochs * self.steps_per_epoch(source_videos))

    def steps_decided_by(self, source_videos: int) -> str:
        """The setting that decides how many steps a run has."""
        by_epochs = self.epochs * self.steps_per_epoch(source_videos)
        return "train.min_steps" if self.min_steps > by_epochs else "train.epochs"

    def steps_per_epoch(self, source_videos: int) -> int:
        """Steps that pass over the source once."""
        return -(-source_videos // self.batch_size)

    def target_batch_size(self, source_videos: int, target_videos: int) -> int:
        """Target videos in a batch, at least 1."""
        if self.target_batch == "equal":
            return self.batch_size
        return max(1, self.batch_size * target_videos // source_videos)


@dataclass(frozen=True)
class Segments:
    """How many segments the videos of each domain have, K_s and K_t.

    As text it is ``6``, or ``6:4`` where they differ.
    """

    source: SegmentCount
    target: SegmentCount

    @classmethod
    def parse(cls, text: int | str) -> Segments:
        """Read ``6`` or ``6:4``.

        Raises:
            InputError: anything but positive integers.
        """
        counts = [count.strip() for count in str(text).split(":")]
        ok = all(count.isdecimal() and len(count) < 4 and int(count) for count in counts)
        if len(counts) > 2 or not ok:
            raise InputError(f"segments {text}: write it as 6, as 4,6,8 or, source:target, as 6:4")
        return cls(int(counts[0]), int(counts[-1]))

    def __str__(self) -> str:
        return str(self.source) if self.source == self.target else f"{self.source}:{self.target}"


@dataclass(frozen=True, kw_only=True)
class UnknownOptions(MethodConfig):
    """Options of a method that is not registered here, as a run's record has them."""

    values: Mapping[str, Any] = field(default_factory=dict)


def _read_options(value: Any, _: Any, info: ValidationInfo) -> MethodConfig:
    """The method's own class of options, from what a record holds."""
    if isinstance(value, MethodConfig):
        return value
    method = info.data.get("method", "source_only")  # of a record's ``base``
    if method not in names() and isinstance(value, dict):
        return UnknownOptions(values=value)
    return from_data(type(entry(method).config), value)


def _write_options(options: MethodConfig) -> Any:
    return dict(options.values) if isinstance(options, UnknownOptions) else to_data(options)


MethodOptions = Annotated[
    MethodConfig, WrapValidator(_read_options), PlainSerializer(_write_options)
]


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run: a method on one modality with one number of segments and one seed.

    Args:
        method: a registered name.
        modality: whose features.
        segments: K_s and K_t.
        seed: of weights, batches and random draws.
        preset: the named settings that were applied first, a record.
        train: the training that all methods share.
        options: the method's own.
        end_to_end: how the backbone is trained; None in the cached mode.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    method: Name
    modality: Name = defaults.MODALITY
    segments: Segments = Segments(defaults.SEGMENTS, defaults.SEGMENTS)
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    preset: Name = defaults.PRESET
    train: TrainConfig = TrainConfig()
    options: MethodOptions = MethodConfig()
    end_to_end: EndToEnd | None = None

    @property
    def source_segments(self) -> int:
        """K_s."""
        return self.segments.source

    @property
    def target_segments(self) -> int:
        """K_t."""
        return self.segments.target

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        k = str(self.segments).replace(":", "-")
        preset = "" if self.preset == defaults.PRESET else f"_{self.preset}"
        mode = "_e2e" if self.end_to_end else ""
        return f"{self.method}_{self.modality}_k{k}{mode}{preset}_seed{self.seed}"
