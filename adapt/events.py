"""What happens while runs are trained, as records for whoever watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .briefing import Briefing
from .config.grid import Grid
from .jobs.plan import Jobs
from .runner import State

if TYPE_CHECKING:
    from ..extract.features.sink import Progress  # the cached mode must not need decoders


@dataclass(frozen=True)
class CountingVideos:
    """The videos of a list are decoded once, before they are trained on, to count their frames."""

    listed: Path
    progress: Progress


@dataclass(frozen=True)
class VideosUnreadable:
    """Videos of the lists that cannot be read, and why."""

    why: Mapping[str, str]


@dataclass(frozen=True)
class JobsPlanned:
    """How many runs are trained at once is decided."""

    jobs: Jobs


@dataclass(frozen=True)
class GridReady:
    """A grid is about to be trained; ``briefing`` is what to know of it."""

    grid: Grid
    briefing: Briefing


@dataclass(frozen=True)
class GridRefused:
    """A grid among several cannot be trained; that its runs failed is said next, of each."""

    grid: Grid
    why: str


@dataclass(frozen=True)
class RunChanged:
    """A run starts or ends; ``why`` says why it failed."""

    folder: Path
    state: State
    why: str = ""


@dataclass(frozen=True)
class Noted:
    """What a user should know of how runs are trained, in a sentence."""

    text: str


@dataclass(frozen=True)
class StepDone:
    """A run has done ``step`` of ``steps`` steps; of 0 where nobody knows how many.

    Of a run in another process not every step is said, only some each second.
    """

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


Event = (
    CountingVideos
    | VideosUnreadable
    | JobsPlanned
    | GridReady
    | GridRefused
    | RunChanged
    | Noted
    | StepDone
    | Evaluated
)
OnEvent = Callable[[Event], None]
