"""What a run records: at each evaluation the mean of every log, and logits of all videos (and of
these, how often the commonest class is predicted).

A log whose name ends in ``_step`` is a moment: its last value counts, no mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...cache.errors import InputError
from ..data.feeds import Feed
from ..methods import Method
from ..run.folder import RunFolder
from .health import Diverged, findings


class Recorder:
    """Collects logs between evaluations; writes the metrics, and in the end the whole folder.

    Args:
        folder: of the run.
        feed: whose videos are predicted.
    """

    def __init__(self, folder: RunFolder, feed: Feed) -> None:
        self.folder, self.feed = folder, feed
        self.steps: list[int] = []
        self.logits: dict[str, list[Tensor]] = {name: [] for name in feed.domains.prediction_sets}
        self.sums: dict[str, Tensor | float] = {}
        self.count = 0

    def add(self, logs: Mapping[str, Tensor | float]) -> None:
        """Take the logs of a step; tensors stay on the device."""
        for name, value in logs.items():
            self.sums[name] = value + (0.0 if _is_moment(name) else self.sums.get(name, 0.0))
        self.count += 1

    def evaluate(self, method: Method, step: int, **more: float) -> dict[str, float]:
        """Record means and logits.

        Args:
            method: predicts.
            step: steps so far.
            more: schedules to record beside the means.

        Returns:
            what was recorded, and the feed's counts.

        Raises:
            Diverged: the loss or a logit is not finite.
        """
        means = {
            name: float(value) / (1 if _is_moment(name) else self.count)
            for name, value in self.sums.items()
        }
        logits = {name: self._predict(method, name) for name in self.logits}
        record = {"step": step, **more, **means}
        if logits["target_train"].shape[1] > 1:
            record["target_top_class"] = top_class_share(logits["target_train"])
        finite = math.isfinite(means.get("loss", 0.0))
        if not finite or not all(values.isfinite().all() for values in logits.values()):
            raise Diverged(step)
        if self.feed.writes:
            self.folder.log(record)
        self.steps.append(step)
        for name, values in logits.items():
            self.logits[name].append(values)
        self.sums, self.count = {}, 0
        return record | self.feed.counts()

    def _predict(self, method: Method, name: str) -> Tensor:
        """Logits [n, C] of a set of videos."""
        domains = self.feed.domains
        wanted = [len(domains.prediction_sets[name]), len(domains.task.classes)]
        logits = self.feed.predict(method, name)
        if list(logits.shape) != wanted:
            raise InputError(
                f"predict of the method gives logits {list(logits.shape)} for the videos {name}, "
                f"not {wanted}: correct it"
            )
        return logits

    def finish(self, method: Method) -> None:
        """Write the finished run."""
        if not self.feed.writes:
            return
        domains, run = self.feed.domains, self.feed.run
        sets = domains.prediction_sets
        self.folder.finish(
            method,
            domains.task.classes,
            self.steps,
            {name: (sets[name].ids, torch.stack(v).numpy()) for name, v in self.logits.items()},
            more=self.feed.checkpoint(),
            findings=self.feed.findings()
            + findings(
                self.folder.records,
                method=run.method,
                longer=run.train.steps_decided_by(len(domains.source_train)),
                source_segments=run.source_segments,
                options=run.options,
            ),
        )

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` continues from."""
        return {
            "steps": self.steps,
            "logits": {name: torch.stack(v) for name, v in self.logits.items() if v},
            "sums": self.sums,
            "count": self.count,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps, self.sums, self.count = state["steps"], state["sums"], state["count"]
        self.logits |= {name: list(values.cpu()) for name, values in state["logits"].items()}


def top_class_share(logits: Tensor) -> float:
    """Share of the videos of logits [n, C] that get the class predicted most often."""
    return float(logits.argmax(1).bincount().max()) / len(logits)


def _is_moment(name: str) -> bool:
    return name.endswith("_step")
