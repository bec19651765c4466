"""How the next step of runs is computed: of one alone, or of several as one program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from ....cache import InputError
from ....cache.common.machine.memory import out_of_memory
from .bundle import Bundle
from .trainee import Trainee


class Program(Protocol):
    """Does one step after the other of the same runs."""

    def step(self) -> None:
        """Draw, compute the losses, go down their gradients, and keep the logs."""

    def close(self) -> None:
        """Leave every run as if it had been trained alone; no step follows."""


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


def make_program(trainees: Sequence[Trainee], *, recorded: bool = False) -> Program:
    """The program that trains these runs.

    Args:
        trainees: of one shape and at the same step.
        recorded: record the first step as a CUDA graph, and replay it.
    """
    if recorded or len(trainees) > 1:
        return Bundle(trainees, recorded=recorded)
    return Alone(trainees[0])


class Dissolved(RuntimeError):
    """Runs cannot go on as one program, or not as a recorded one; each continues from where it was
    stored.

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
def dissolving(*, alone: bool) -> Iterator[None]:
    """An error in the block may be one of the program, unless its run is trained ``alone``, as its
    method is written. Bad input is bad for any program, and passes.

    Raises:
        Dissolved: for any other error.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if alone:
            raise
        raise Dissolved(error) from error
