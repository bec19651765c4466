"""How fast runs go on, and how long they will take."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Clock = Callable[[], float]

_MEASURED = 1.0  # seconds of training before anything is estimated


@dataclass(frozen=True)
class Remaining:
    """The time that is left.

    Args:
        seconds: so many, by the steps per second so far.
        at_least: of some runs nothing is known yet.
    """

    seconds: float
    at_least: bool = False


@dataclass
class _Course:
    """How far a run has come since the first step that was heard of."""

    steps: int = 0  # in all; 0 where nobody knows
    done: int = 0
    began: tuple[float, int] | None = None  # when, and after which step
    seconds: float = 0.0  # since then, at the last step
    open: bool = True  # it waits or runs
    running: bool = False

    @property
    def measured(self) -> tuple[float, int]:
        """Seconds, and the steps done in them; none before they tell anything."""
        steps = self.done - self.began[1] if self.began else 0
        return (self.seconds, steps) if self.seconds >= _MEASURED and steps else (0.0, 0)


class TimeLeft:
    """Estimates the time left of runs, some of which are trained at once.

    Args:
        kinds: of each run what decides how long its steps take.
        clock: gives seconds.
    """

    def __init__(self, kinds: Mapping[str, Hashable], clock: Clock = time.monotonic) -> None:
        self.at_once = 1
        self._kinds, self._clock = kinds, clock
        self._courses = {name: _Course() for name in kinds}

    def expect(self, name: str, steps: int) -> None:
        """A run will have so many steps."""
        self._courses[name].steps = steps

    def started(self, name: str) -> None:
        self._courses[name].running = True

    def ended(self, name: str) -> None:
        course = self._courses[name]
        course.open = course.running = False

    def stepped(self, name: str, step: int, steps: int) -> None:
        """A run has done ``step`` of ``steps`` steps."""
        course, now = self._courses[name], self._clock()
        if course.began is None:
            course.began = now, step
        course.done, course.steps = step, steps
        course.seconds = now - course.began[0]

    def rate(self, name: str) -> float | None:
        """Steps per second of a run; None before it has trained for a second."""
        seconds, steps = self._courses[name].measured
        return steps / seconds if steps else None

    def of(self, name: str) -> float | None:
        """Seconds that a run needs yet, alone or by runs of its kind; None where unknown."""
        course = self._courses[name]
        rate = self.rate(name) or self._rate_of_kind(self._kinds[name])
        return (course.steps - course.done) / rate if rate and course.steps else None

    def in_all(self) -> Remaining | None:
        """What all runs need yet together; None before anything is known of it."""
        open_runs = {name: course for name, course in self._courses.items() if course.open}
        left = {name: self.of(name) for name in open_runs}
        if not any(seconds is not None for seconds in left.values()):
            return None
        running = [left[name] or 0.0 for name, course in open_runs.items() if course.running]
        waiting = [left[name] or 0.0 for name, course in open_runs.items() if not course.running]
        seconds = until_all_end(running, waiting, self.at_once)
        return Remaining(seconds, at_least=None in left.values())

    def _rate_of_kind(self, kind: Hashable) -> float | None:
        alike = [c.measured for name, c in self._courses.items() if self._kinds[name] == kind]
        seconds, steps = (sum(values) for values in zip(*alike, strict=True))
        return steps / seconds if steps else None


def until_all_end(running: Sequence[float], waiting: Iterable[float], processes: int) -> float:
    """Seconds until all runs have ended, if each that waits goes to the first process that is free.

    Args:
        running: what each of these needs yet; each has a process of its own.
        waiting: what each of these needs, in the order in which they start.
        processes: at least one; more where more are running.
    """
    free_at = [*running, *[0.0] * (processes - len(running))]
    heapq.heapify(free_at)
    for seconds in waiting:
        heapq.heapreplace(free_at, free_at[0] + seconds)
    return max(free_at)
