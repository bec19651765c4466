"""Which runs of a grid are next."""

from __future__ import annotations

from collections.abc import Sequence

from ..config.runs import base_of
from ..methods import FittedMethod, entry
from ..runner import Group


class RunQueue:
    """Hands out groups of runs in their order; a fitted run waits until the one that it starts from
    has ended.

    Args:
        groups: of a grid's runs, those that are still to be trained.
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        self._waiting = list(groups)
        self._open = {run for group in groups for run, _ in group}  # waiting or being trained
        self._base = {
            run: base_of(run, self._open)
            for run in self._open
            if issubclass(entry(run.method).method, FittedMethod)
        }

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> Group | None:
        """The next group that can start; None where all that are left wait for another."""
        for n, group in enumerate(self._waiting):
            if not any(self._base.get(run) in self._open for run, _ in group):
                return self._waiting.pop(n)
        return None

    def ended(self, group: Group) -> None:
        """The runs of a group that was taken have ended, however."""
        self._open -= {run for run, _ in group}
