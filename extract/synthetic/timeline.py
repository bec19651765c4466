"""What happens in a clip, frame by frame, before anything is drawn."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .actions import IDLE, REST, Action, Phase
from .domains import Domain, Timing
from .pose import Pose

Seed = tuple[int, ...]

_STAND = Phase("stand", (REST,))
_IDLE_FRAMES = 12  # an idle phase lasts about this long
_GAP = 0.25  # share of the idle time that separates the phases of an action


@dataclass(frozen=True)
class Timeline:
    """One clip's script: per frame the name of its phase and the (noise-free) pose."""

    phases: tuple[str, ...]
    poses: tuple[Pose, ...]


def clip_seed(seed: int, domain: Domain, action: Action, index: int) -> Seed:
    """The seed of one clip: it depends on nothing else, so any clip can be made alone."""
    names = (zlib.crc32(name.encode()) for name in (domain.name, action.name))
    return (seed, *names, index)


def stream(seed: Seed, purpose: str) -> np.random.Generator:
    """An independent generator per purpose: drawing more for one never changes another."""
    return np.random.default_rng(np.random.SeedSequence((*seed, zlib.crc32(purpose.encode()))))


def clip_timeline(action: Action, domain: Domain, seed: Seed) -> Timeline:
    """The script of the clip that ``render_clip`` draws from the same arguments.

    What is drawn does not depend on the action: two actions with the same phases in another order
    get, from the same seed, the same poses in another order. Nor does the order of the idle phases
    depend on the domain's timing, which moves the action between them.
    """
    plan = _plan(action, domain.timing, seed)
    return Timeline(
        phases=tuple(phase.name for phase, frames in plan for _ in range(frames)),
        poses=tuple(phase.at((i + 0.5) / frames) for phase, frames in plan for i in range(frames)),
    )


def _plan(action: Action, timing: Timing, seed: Seed) -> list[tuple[Phase, int]]:
    """Phases and their lengths in frames, in order."""
    rng = stream(seed, "timeline")
    total = int(rng.integers(timing.frames[0], timing.frames[1], endpoint=True))
    # The same length for each phase, rounded down: the action never exceeds its share.
    length = int(total * rng.uniform(*timing.action) / len(action.phases))
    idle = total - length * len(action.phases)
    gap = round(idle * _GAP) if len(action.phases) > 1 else 0
    before = round((idle - gap * (len(action.phases) - 1)) * rng.uniform(*timing.lead))
    phases = _idle_phases(stream(seed, "idle"))
    plan = _idle(before, phases)
    for i, phase in enumerate(action.phases):
        plan += [(_STAND, gap)] if i else []
        plan.append((phase, length))
    return plan + _idle(total - sum(frames for _, frames in plan), phases)


def _idle(frames: int, phases: Iterator[Phase]) -> list[tuple[Phase, int]]:
    """``frames`` frames of the next idle phases."""
    count = max(1, round(frames / _IDLE_FRAMES)) if frames else 0
    edges = np.linspace(0, frames, count + 1).round().astype(int)
    return [(next(phases), int(n)) for n in np.diff(edges)]


def _idle_phases(rng: np.random.Generator) -> Iterator[Phase]:
    """Idle phases in random order without end, none twice in a row."""
    k = int(rng.integers(len(IDLE)))
    while True:
        yield IDLE[k]
        k = (k + int(rng.integers(1, len(IDLE)))) % len(IDLE)
