"""Which runs can be one program: those whose steps differ in numbers alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import torch

from ...config.number_or_auto import NumberOrAuto, check_number_or_auto
from ...config.options import RunConfig
from ...config.training import TrainConfig
from ...methods import FittedMethod, entry

T = TypeVar("T")
# Of "auto" on a GPU; where so many do not fit into its memory, fewer are tried.
_MOST_ON_A_GPU = 32

# Each run keeps an optimiser and evaluations of its own, so these may differ.
_OF_EACH_RUN = (
    *("optimiser", "momentum", "nesterov", "lr", "schedule", "lr_factor", "lr_drops"),
    *("weight_decay", "clip_norm", "evaluations"),
)
_DEFAULTS: dict[str, Any] = {
    f.name: f.default for f in fields(TrainConfig) if f.name in _OF_EACH_RUN
}


def shape_of(run: RunConfig) -> RunConfig | None:
    """What the runs of one program have in common; None for one that trains alone.

    Alone train fitted methods, which take no steps, and runs end to end, whose backbone fills the
    device.
    """
    if run.end_to_end is not None or issubclass(entry(run.method).method, FittedMethod):
        return None
    return replace(run, seed=0, preset="", train=replace(run.train, **_DEFAULTS))


def most_together(wanted: NumberOrAuto, device: torch.device) -> int:
    """How many runs are one program at most.

    On a CPU ``auto`` is 1: there processes of one thread each are faster (docs/adaptation.md).

    Raises:
        InputError: ``wanted`` is neither "auto" nor a number.
    """
    check_number_or_auto("bundle", wanted)
    if wanted == "auto":
        return _MOST_ON_A_GPU if device.type == "cuda" else 1
    return wanted


def side_by_side(
    runs: Iterable[tuple[RunConfig, T]], most: int
) -> list[Sequence[tuple[RunConfig, T]]]:
    """Runs that train together, at most ``most``; in the order of the first of each shape."""
    groups: dict[RunConfig, list[tuple[RunConfig, T]]] = {}
    for run, folder in runs:
        groups.setdefault(shape_of(run) or run, []).append((run, folder))
    return [part for group in groups.values() for part in parts(group, most)]


def parts(group: Sequence[T], most: int) -> list[Sequence[T]]:
    """As few parts of at most ``most`` as possible, of nearly equal sizes."""
    size = len(group)
    count = -(-size // most)
    return [group[size * n // count : size * (n + 1) // count] for n in range(count)]
