"""What happens while runs are trained, as records for whoever looks on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .config.grid import Grid
from .grid import Prepared, State


@dataclass(frozen=True)
class GridReady:
    """A grid is about to be trained."""

    grid: Grid
    prepared: Prepared


@dataclass(frozen=True)
class GridRefused:
    """A grid among several cannot be trained."""

    grid: Grid
    why: str


@dataclass(frozen=True)
class RunChanged:
    """A run starts or ends; ``why`` it failed."""

    folder: Path
    state: State
    why: str = ""


@dataclass(frozen=True)
class StepDone:
    """A run has done ``step`` of ``steps`` steps; of 0 where nobody knows how many."""

    folder: Path
    step: int
    steps: int


@dataclass(frozen=True)
class Evaluated:
    """A run has logged metrics after a step."""

    folder: Path
    step: int
    steps: int
    metrics: Mapping[str, float]


Event = GridReady | GridRefused | RunChanged | StepDone | Evaluated
OnEvent = Callable[[Event], None]
