"""The options of a run that no method decides: training, and how many segments videos have.

This is light, so that what is misspelt is refused at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ...cache.common.ranges import BelowOne, Count, NonNegative, Positive, Whole
from ...cache.common.records import validate
from ...cache.errors import InputError, shorten
from . import defaults

Optimiser = Literal["adam", "sgd"]
Schedule = Literal["step", "dann", "inverse"]
Normalise = Literal["none", "source", "domain"]
TargetPool = Literal["task", "all"]
Precision = Literal["auto", "fp32", "bf16"]
BatchSize = Annotated[int, Field(ge=1, le=10**6)]
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
    batch_size: BatchSize = 64
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
            InputError: anything but numbers from 1 to 999.
        """
        counts = [count.strip() for count in str(text).split(":")]
        ok = all(count.isdecimal() and len(count) < 4 and int(count) for count in counts)
        if len(counts) > 2 or not ok:
            raise _not_segments(text)
        return cls(int(counts[0]), int(counts[-1]))

    def __str__(self) -> str:
        return str(self.source) if self.source == self.target else f"{self.source}:{self.target}"


def parse_segments(text: int | str) -> list[Segments]:
    """Read ``4,6:4,6:6``: each pair once, in the order given.

    Raises:
        InputError: anything but numbers from 1 to 999.
    """
    try:
        return list(dict.fromkeys(Segments.parse(part) for part in str(text).split(",")))
    except InputError:
        raise _not_segments(text) from None


def _not_segments(text: int | str) -> InputError:
    return InputError(
        f"segments {shorten(str(text))}: write it as 6, as 4,6,8 or, source:target, as 6:4, with "
        "numbers from 1 to 999"
    )
