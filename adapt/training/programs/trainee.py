"""One run while it is trained: what a step needs of it, and what is kept of a step."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...config.options import RunConfig
from ...data.feeds import Batch, Feed
from ...layers.precision import multiplying_in
from ...methods import Draws, Losses
from ...run.files import may_be_damaged
from ...run.folder import RunFolder
from ..continued import take_weights
from ..new_method import new_method
from ..optimiser import learning_rate, make_optimiser, set_rate
from ..recorder import Recorder
from ..resume import START_OVER, restore
from ..snapshot import require_alike, require_optimiser, require_recorder


class Inputs(NamedTuple):
    """What a step's losses are computed from, beside the method and its state."""

    batch: Batch
    draws: Draws
    progress: float


class Trainee:
    """A run as it was stored, or before its first step.

    Args:
        config: the run.
        feed: its batches; no target labels.
        folder: where it is recorded.

    Attributes:
        method, optimiser: of the run.
        state: what the method carries to the next step.
        step: how many have been done, of ``steps``.

    Raises:
        InputError: the method cannot be built for these sizes, or what is stored is damaged.
    """

    def __init__(self, config: RunConfig, feed: Feed, folder: RunFolder) -> None:
        self.config, self.feed, self.folder = config, feed, folder
        options, videos = config.train, len(feed.domains.source_train)
        self.steps = options.steps(videos)
        self._epoch = options.steps_per_epoch(videos)
        evaluations = min(options.evaluations, self.steps)
        self._evaluate_at = {round(self.steps * (e + 1) / evaluations) for e in range(evaluations)}
        self.method = new_method(config, feed.domains).to(feed.device)
        snapshot = restore(folder)
        if snapshot is None and folder.record.continued:
            take_weights(self.method, folder.record.continued, feed.domains)
        self.optimiser = make_optimiser(feed.parameter_groups(self.method), options)
        self.recorder = Recorder(folder, feed)
        self.state, self.step = self.method.initial_state(feed.device), 0
        written = 0
        if snapshot is not None:
            with may_be_damaged(folder.resume, START_OVER):
                written = self._continue_from(snapshot)
        if feed.writes:
            folder.begin(written)
        self._rate = options.lr
        self._batches = feed.batches(range(self.step, self.steps), self.method)

    def computing(self) -> AbstractContextManager[None]:
        """A block in which the run's precision holds."""
        return multiplying_in(self.config.train.precision, self.feed.device)

    def next_inputs(self) -> Inputs:
        """The batch and the random numbers of the next step; the optimiser gets its rate."""
        batch, feed = next(self._batches), self.feed
        with self.computing():
            draws = self.method.draw(feed.source_size, feed.target_size, batch.generator)
        rate = learning_rate(self.config.train, self.step, self.steps)
        self._rate = set_rate(self.optimiser, rate)
        return Inputs(batch, draws, self.step / self.steps)

    def keep(self, losses: Losses, more: Mapping[str, Tensor]) -> None:
        """A step is done: add up its logs, and those of its batch."""
        self.recorder.add({"loss": losses.total.detach(), **losses.logs, **more})
        self.step += 1

    def evaluate(self) -> dict[str, float] | None:
        """What is recorded after this step; None where none is due.

        Raises:
            Diverged: the loss or a logit is not finite.
        """
        if self.step not in self._evaluate_at:
            return None
        with torch.no_grad():
            self.method.absorb(self.state)
        epoch = self.step / self._epoch
        return self.recorder.evaluate(self.method, self.step, epoch=epoch, lr=self._rate)

    def snapshot(self) -> dict[str, Any]:
        """All that `restore` gives back after a kill."""
        return {
            "step": self.step,
            "method": _own(self.method.state_dict()),
            "feed": self.feed.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "state": _own(self.state),
            "recorder": self.recorder.state_dict(),
        }

    def finish(self) -> None:
        """Write the finished run."""
        self.recorder.finish(self.method)

    def _continue_from(self, stored: dict[str, Any]) -> int:
        """Take over what is stored; returns how many bytes of the metrics belong to it.

        Raises:
            ValueError: it cannot be what this run has stored.
        """
        fresh, step, written = self.snapshot(), stored.get("step"), stored.get("written")
        if stored.keys() != {*fresh, "written"}:
            raise ValueError("it has other entries")
        if type(step) is not int or not 0 < step <= self.steps:
            raise ValueError(f"its step is none of 1 to {self.steps}")
        if type(written) is not int or not 0 <= written <= self.folder.metrics_size:
            raise ValueError("there are fewer metrics than it says")
        require_alike(stored["method"], fresh["method"], "method")
        require_alike(stored["state"], fresh["state"], "state")
        require_optimiser(stored["optimiser"], self.optimiser)
        classes, sets = len(self.feed.domains.task.classes), self.feed.domains.prediction_sets
        require_recorder(
            stored["recorder"],
            step=step,
            evaluate_at=self._evaluate_at,
            sets={name: (len(videos), classes) for name, videos in sets.items()},
        )
        self.method.load_state_dict(stored["method"])
        self.feed.load_state_dict(stored["feed"])
        self.optimiser.load_state_dict(stored["optimiser"])
        self.recorder.load_state_dict(stored["recorder"])
        self.state = {name: value.to(self.feed.device) for name, value in stored["state"].items()}
        self.step = step
        return written


def _own(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies: of a part of a larger tensor torch would store the whole."""
    return {name: tensor.clone() for name, tensor in tensors.items()}
