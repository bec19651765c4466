"""How far a count is and how long it will take, in words; and words that come every so often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

SAID_EVERY = 30.0  # seconds, where no terminal shows how far something is


@dataclass(frozen=True)
class Pace:
    """How far a count of things is.

    Args:
        todo: how many there are.
        done: of them, failed ones not counted.
        failed: of them.
        seconds: since the first of them was begun.
    """

    todo: int
    done: int = 0
    failed: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Things per second, failed ones included; 0 before the first."""
        return (self.done + self.failed) / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Until the last one, at this rate; None before the first."""
        left = self.todo - self.done - self.failed
        return left / self.rate if self.rate else None

    def describe(self, things: str) -> str:
        """``120 of 1000 videos, 3 failed, 4.1 videos/s, 4 min left``.

        Args:
            things: what is counted, in the plural.
        """
        parts = [f"{self.done + self.failed} of {self.todo} {things}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.rate:
            parts.append(f"{rate(self.rate)} {things}/s")
        if self.seconds_left is not None:
            parts.append(f"{duration(self.seconds_left)} left")
        return ", ".join(parts)


def rate(per_second: float) -> str:
    """A rate in as many digits as one looks at: ``148``, ``4.1``, ``0.032``."""
    return f"{per_second:.0f}" if per_second >= 100 else f"{per_second:#.2g}".rstrip(".")


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3 h 05 min``, ``2 d 04 h``."""
    minutes = round(seconds / 60)
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24:02d} h"


@contextmanager
def every(
    seconds: float, say: Callable[[], None], *, wait: Callable[[float], bool] | None = None
) -> Iterator[None]:
    """Call ``say`` every so many seconds while the block runs, whatever that is doing.

    Args:
        seconds: between two calls, and before the first.
        say: called in a thread of its own.
        wait: in place of waiting for the end of the block: takes seconds, returns whether it ended.
    """
    ended = Event()

    def repeat() -> None:
        while not (wait or ended.wait)(seconds):
            say()

    thread = Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
