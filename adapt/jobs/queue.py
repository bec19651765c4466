"""Which run of a grid is next."""

from __future__ import annotations

from collections.abc import Iterable

from ..config.options import RunConfig
from ..config.runs import base_of
from ..methods import FittedMethod, entry


class RunQueue:
    """Hands out runs in their order; a fitted run waits until the one it starts from has ended.

    Args:
        runs: of a grid, those that are still to be trained.
    """

    def __init__(self, runs: Iterable[RunConfig]) -> None:
        self._waiting = list(runs)
        self._base = {
            run: base_of(run, self._waiting)
            for run in self._waiting
            if issubclass(entry(run.method).method, FittedMethod)
        }
        self._open = set(self._waiting)  # waiting or being trained

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> RunConfig | None:
        """The next run that can start; None where all that are left wait for another."""
        for run in self._waiting:
            if self._base.get(run) not in self._open:
                self._waiting.remove(run)
                return run
        return None

    def ended(self, run: RunConfig) -> None:
        """A run that was taken has ended, however."""
        self._open.discard(run)
