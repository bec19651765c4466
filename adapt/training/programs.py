"""How the next step of runs is computed: of one alone, or of several as one program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .trainee import Trainee


class Program(Protocol):
    """Does one step after the other of the same runs."""

    def step(self) -> None:
        """Draw, compute the losses, go down their gradients, and keep the logs."""

    def close(self) -> None:
        """Leave every run as if it had been trained alone."""


class Alone:
    """One run, as its method is written."""

    def __init__(self, trainee: Trainee) -> None:
        self.trainee = trainee

    def step(self) -> None:
        one = self.trainee
        batch, draws, progress = one.next_inputs()
        losses, one.state = one.method.losses(
            batch.source, batch.target, progress=progress, draws=draws, state=one.state
        )
        one.feed.update(losses.total, one.optimiser, one.config.train.clip_norm)
        one.keep(losses, batch.logs)

    def close(self) -> None:
        """Nothing was changed."""


def make_program(trainees: Sequence[Trainee]) -> Program:
    """The program that trains these runs."""
    (one,) = trainees
    return Alone(one)
