"""Training loops of tcon at the size of UCF -> HMDB, timed as they are.

1438 and 840 videos of 32 snippets of 1024 dimensions, 12 classes, random features.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import torch
from prepared_runs import invented_record

from tcon.adapt.config.options import RunConfig
from tcon.adapt.data import feeds as feed
from tcon.adapt.data.domains import Domains, Videos
from tcon.adapt.data.feeds import CachedFeed
from tcon.adapt.methods import Method
from tcon.adapt.run.folder import RunFolder
from tcon.adapt.tasks.task import Task
from tcon.adapt.training.programs import loop, trainee

SOURCE, TARGET_TRAIN, TARGET_TEST, CLASSES = 1438, 840, 360, 12
SNIPPETS, DIM = 32, 1024
WARM_UP = 3  # steps that are not timed


class Clock:
    """Times the steps of one run, or their parts as well.

    Args:
        device: is to be idle whenever the time is taken.
        steps: to time, after the warm-up.
    """

    def __init__(self, device: torch.device, steps: int) -> None:
        self.device, self.steps, self.step = device, steps, -1
        self.started = self.seconds = 0.0
        self.parts: dict[str, float] = defaultdict(float)

    def now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def begin_step(self) -> None:
        self.step += 1
        if self.step == WARM_UP:
            self.started = self.now()
        if self.step == WARM_UP + self.steps:
            self.seconds = self.now() - self.started

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            before = self.now()
            result = function(*args, **kwargs)
            if WARM_UP <= self.step < WARM_UP + self.steps:
                self.parts[part] += self.now() - before
            return result

        return run


def timed_training(
    run: RunConfig, domains: Domains, device: torch.device, steps: int, *, parts: bool = False
) -> Clock:
    """A short run of the loop itself, timed."""
    clock = Clock(device, steps)
    begin, new, make = feed.step_generator, trainee.new_method, trainee.make_optimiser
    clip = torch.nn.utils.clip_grad_norm_

    def step_generator(*args: Any) -> torch.Generator:
        clock.begin_step()
        return begin(*args)

    def new_method(*args: Any) -> Method:
        method = new(*args)
        method.draw = clock.timed("draw", method.draw)
        method.losses = clock.timed("forward", method.losses)
        return method

    def make_optimiser(*args: Any) -> torch.optim.Optimizer:
        optimiser = make(*args)
        optimiser.step = clock.timed("optimiser", optimiser.step)
        return optimiser

    changes = [(feed, "step_generator", step_generator)]
    if parts:
        changes += [
            (trainee, "new_method", new_method),
            (trainee, "make_optimiser", make_optimiser),
            (feed, "_batch", clock.timed("gather", feed._batch)),
            (torch.Tensor, "backward", clock.timed("backward", torch.Tensor.backward)),
            (torch.nn.utils, "clip_grad_norm_", clock.timed("optimiser", clip)),
        ]
    with TemporaryDirectory() as folder, ExitStack() as patches:
        for owner, name, function in changes:
            patches.enter_context(patch.object(owner, name, function))
        output = RunFolder(Path(folder) / "run", invented_record(run))
        loop.train(run, CachedFeed(run, domains, device), output, save_seconds=float("inf"))
    return clock


def random_domains(device: torch.device) -> Domains:
    """Random non-negative features."""
    names = tuple(f"class{n}" for n in range(CLASSES))
    index = {name: n for n, name in enumerate(names)}
    return Domains(
        task=Task("random", names, index, index),
        source_train=_videos(SOURCE, device, labelled=True),
        source_val=None,
        target_train=_videos(TARGET_TRAIN, device),
        target_test=_videos(TARGET_TEST, device),
        protocol="inductive",
    )


def _videos(count: int, device: torch.device, *, labelled: bool = False) -> Videos:
    features = torch.empty(count * SNIPPETS, DIM, dtype=torch.float16, device=device)
    for chunk in features.split(8192):
        chunk.copy_(torch.rand(chunk.shape, device=device))
    n = torch.arange(count, device=device)
    return Videos(
        ids=tuple(f"v{number}" for number in range(count)),
        features=features,
        start=n * SNIPPETS,
        count=torch.full_like(n, SNIPPETS),
        labels=n % CLASSES if labelled else None,
    )
