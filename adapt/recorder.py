"""What a run records: at each evaluation the mean of every log, and logits of all videos."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .domains import Domains, Videos
from .health import Diverged, findings
from .methods import Method
from .run_folder import RunFolder


class Recorder:
    """Collects logs between evaluations; writes the metrics, and in the end the whole folder.

    Args:
        folder: of the run.
        domains: whose videos are predicted.
        positions: snippets of each video that the method sees, K_t m.
    """

    def __init__(self, folder: RunFolder, domains: Domains, positions: int) -> None:
        self.folder, self.domains, self.positions = folder, domains, positions
        self.steps: list[int] = []
        self.logits: dict[str, list[Tensor]] = {name: [] for name in domains.prediction_sets}
        self.sums: dict[str, Tensor | float] = {}
        self.count = 0

    def add(self, logs: Mapping[str, Tensor | float]) -> None:
        """Take the logs of a step; tensors stay on the device."""
        for name, value in logs.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1

    def evaluate(self, method: Method, step: int, **more: float) -> dict[str, float]:
        """Record means and logits.

        Args:
            method: predicts.
            step: steps so far.
            more: schedules to record beside the means.

        Raises:
            Diverged: the loss or a logit is not finite.
        """
        means = {name: float(value) / self.count for name, value in self.sums.items()}
        record = {"step": step, **more, **means}
        logits = {
            name: predict(method, videos, self.positions)
            for name, videos in self.domains.prediction_sets.items()
        }
        finite = math.isfinite(means.get("loss", 0.0))
        if not finite or not all(values.isfinite().all() for values in logits.values()):
            raise Diverged(step)
        self.folder.log(record)
        self.steps.append(step)
        for name, values in logits.items():
            self.logits[name].append(values)
        self.sums, self.count = {}, 0
        return record

    def finish(self, method: Method, *, source_segments: int, options: object) -> None:
        """Write the finished run."""
        sets = self.domains.prediction_sets
        self.folder.finish(
            method,
            self.domains.task.classes,
            self.steps,
            {name: (sets[name].ids, torch.stack(v).numpy()) for name, v in self.logits.items()},
            statistics=self.domains.statistics,
            findings=findings(
                self.folder.records, source_segments=source_segments, options=options
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


@torch.inference_mode()
def predict(method: Method, videos: Videos, positions: int, *, chunk: int = 1024) -> Tensor:
    """Logits [n, C] on the CPU, from the central snippet of each of ``positions`` equal parts."""
    device = videos.start.device
    chunks = torch.arange(len(videos), device=device).split(chunk)
    logits = [method.predict(videos.segments(indices, positions)) for indices in chunks]
    return torch.cat(logits).float().cpu()
