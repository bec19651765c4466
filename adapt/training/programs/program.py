"""How the next step of runs is computed: of one alone, or of several as one program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from ....cache.common.memory import out_of_memory
from .bundle import Bundle
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
        with one.computing():
            losses, one.state = one.method.losses(
                batch.source, batch.target, progress=progress, draws=draws, state=one.state
            )
        one.feed.update(losses.total, one.optimiser, one.config.train.clip_norm)
        one.keep(losses, batch.logs)

    def close(self) -> None:
        """Nothing was changed."""


def make_program(trainees: Sequence[Trainee], *, cuda_graphs: bool = False) -> Program:
    """The program that trains these runs; several on a GPU perhaps by ``cuda_graphs``."""
    if len(trainees) == 1:
        return Alone(trainees[0])
    return Bundle(trainees, recorded=cuda_graphs and trainees[0].feed.device.type == "cuda")


class Dissolved(RuntimeError):
    """Runs that train together cannot go on together; each continues from where it was stored.

    Args:
        error: what stopped them.

    Attributes:
        memory: there was too little of it, so fewer of them may go on.
        why: in a line.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.memory = out_of_memory(error)
        self.why = (str(error).splitlines() or [type(error).__name__])[0]


@contextmanager
def dissolving(runs: int) -> Iterator[None]:
    """An error of several runs in the block is none of a single one of them."""
    try:
        yield
    except Exception as error:
        if runs == 1:
            raise
        raise Dissolved(error) from error
