"""Several runs as one program: `torch.vmap` of a method's losses over stacked runs.

Each run keeps its method, optimiser, random numbers and records, as alone. The weights of all are
kept in tensors with a first axis of runs, R, of which each method's own are views: an optimiser
updates them in place, and predictions and snapshots find them where they always are. The sum of
the runs' losses has for gradients those of each run, since no run's loss depends on another's
weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ...data.feeds import clip_gradients
from ...layers.schedules import Number
from ...methods import Draws, Losses, Method, SourceBatch, State
from .recorded import Recorded
from .trainee import Trainee


class Bundle:
    """One program for all of ``trainees``, which are of one shape and at the same step.

    What a step takes of each run by itself: its batch and random numbers are drawn, of which the
    indices come from the host, its gradients are clipped, and its optimiser goes a step.

    ``recorded``: the forward and backward pass of the first step is recorded and replayed for all.
    """

    def __init__(self, trainees: Sequence[Trainee], *, recorded: bool = False) -> None:
        self.trainees, self.recorded = tuple(trainees), recorded
        self._compute = Recorded(self._go_back) if recorded else self._go_back
        # What is not stored with a method, such as index tables, is the same in all.
        self._own = [dict(one.method.state_dict(keep_vars=True)) for one in trainees]
        self._stacked = _stack([_detached(own) for own in self._own])
        for name, tensor in self._own[0].items():
            self._stacked[name].requires_grad_(tensor.requires_grad)
        for run, own in enumerate(self._own):
            for name, tensor in own.items():
                tensor.data = self._stacked[name].detach()[run]
        self._method = _Losses(trainees[0].method)

    def step(self) -> None:
        *tensors, progress = self.inputs()
        if self.recorded:  # a number would stay the one of the first step
            progress = torch.full((), float(progress), device=self.trainees[0].feed.device)
        losses, states = self._compute(*tensors, progress)
        for run, one in enumerate(self.trainees):
            self._take_gradients(run)
            clip_gradients(one.optimiser, one.config.train.clip_norm)
            one.optimiser.step()
            one.state = _of_run(states, run)
            one.keep(Losses(losses.total[run], _of_run(losses.logs, run)), {})

    def close(self) -> None:
        for own in self._own:
            for tensor in own.values():
                tensor.data, tensor.grad = tensor.data.clone(), None
        del self._compute  # what it has recorded holds memory, and this program

    def inputs(self) -> tuple[SourceBatch, Tensor, Draws, State, Number]:
        """What `losses` takes at the next step, drawn by each run and stacked."""
        drawn = [one.next_inputs() for one in self.trainees]
        sources = [inputs.batch.source for inputs in drawn]
        return (
            SourceBatch(*(torch.stack(tensors) for tensors in zip(*sources, strict=True))),
            torch.stack([inputs.batch.target for inputs in drawn]),
            _stack([inputs.draws for inputs in drawn]),
            _stack([one.state for one in self.trainees]),
            drawn[0].progress,
        )

    def losses(
        self, source: SourceBatch, target: Tensor, draws: Draws, state: State, progress: Number
    ) -> tuple[Losses, State]:
        """`Method.losses` of every run, all but ``progress`` with a first axis of runs."""

        def of_one(weights: dict[str, Tensor], *batch: Any) -> tuple[Losses, State]:
            named = {f"method.{name}": tensor for name, tensor in weights.items()}
            return functional_call(self._method, named, (*batch, progress))

        with self.trainees[0].computing():
            return torch.vmap(of_one)(self._stacked, source, target, draws, state)

    def _go_back(self, *inputs: Any) -> tuple[Losses, State]:
        """Losses, and the gradients of all runs."""
        losses, states = self.losses(*inputs)
        for tensor in self._stacked.values():
            tensor.grad = None
        losses.total.sum().backward()
        return losses._replace(total=losses.total.detach()), states

    def _take_gradients(self, run: int) -> None:
        for name, tensor in self._own[run].items():
            gradient = self._stacked[name].grad
            tensor.grad = None if gradient is None else gradient[run]


class _Losses(nn.Module):
    """A method called by its losses, as `functional_call` calls modules."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(
        self, source: SourceBatch, target: Tensor, draws: Draws, state: State, progress: Number
    ) -> tuple[Losses, State]:
        return self.method.losses(source, target, progress=progress, draws=draws, state=state)


def _stack(runs: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Tensors of equal names and shapes, with a first axis of runs."""
    return {name: torch.stack([tensors[name] for tensors in runs]) for name in runs[0]}


def _of_run(stacked: Mapping[str, Tensor], run: int) -> dict[str, Tensor]:
    return {name: tensor[run] for name, tensor in stacked.items()}


def _detached(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach() for name, tensor in tensors.items()}
