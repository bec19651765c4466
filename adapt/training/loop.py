"""The training loop. It knows nothing of any method."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from ..config.options import RunConfig
from ..data.domains import Domains
from ..data.feeds import CachedFeed, Feed
from ..methods import FittedMethod, Method, Sizes, build
from ..run.folder import RunFolder
from .optimiser import learning_rate, make_optimiser, set_rate
from .recorder import Recorder
from .resume import Saver, restore

OnStep = Callable[[RunFolder, int, int], None]
OnEvaluation = Callable[[RunFolder, int, int, dict[str, float]], None]


def train(
    config: RunConfig,
    feed: Feed,
    folder: RunFolder,
    *,
    on_step: OnStep = lambda folder, step, steps: None,
    on_evaluation: OnEvaluation = lambda folder, step, steps, record: None,
    save_seconds: float = 30.0,
) -> Method:
    """Train one run and write its folder; an interrupted one continues where it was stored.

    Args:
        config: the run.
        feed: its batches; no target labels.
        folder: where it is recorded.
        on_step: called with the folder, the steps done and those in all.
        on_evaluation: called with these and the record that was logged.
        save_seconds: work that a kill may cost.

    Returns:
        the trained method.

    Raises:
        InputError: the method cannot be built for these sizes.
        Diverged: the loss or a logit is not finite at an evaluation.
    """
    options, videos = config.train, len(feed.domains.source_train)
    steps = options.steps(videos)
    evaluations = min(options.evaluations, steps)
    evaluate_at = {round(steps * (e + 1) / evaluations) for e in range(evaluations)}

    method = new_method(config, feed.domains).to(feed.device)
    optimiser = make_optimiser(feed.parameter_groups(method), options)
    recorder = Recorder(folder, feed)
    state, first = method.initial_state(feed.device), 0
    if (snapshot := restore(folder, writes=feed.writes)) is not None:
        method.load_state_dict(snapshot["method"])
        feed.load_state_dict(snapshot["feed"])
        optimiser.load_state_dict(snapshot["optimiser"])
        recorder.load_state_dict(snapshot["recorder"])
        state = {name: value.to(feed.device) for name, value in snapshot["state"].items()}
        first = snapshot["step"]
    saver = Saver(folder, save_seconds)

    for step, batch in enumerate(feed.batches(range(first, steps), method), first):
        draws = method.draw(feed.source_size, feed.target_size, batch.generator)
        rate = set_rate(optimiser, learning_rate(options, step, steps))
        losses, state = method.losses(
            batch.source, batch.target, progress=step / steps, draws=draws, state=state
        )
        feed.update(losses.total, optimiser, options.clip_norm)

        recorder.add({"loss": losses.total.detach(), **losses.logs, **batch.logs})
        on_step(folder, step + 1, steps)
        if step + 1 in evaluate_at:
            epoch = (step + 1) / options.steps_per_epoch(videos)
            record = recorder.evaluate(method, step + 1, epoch=epoch, lr=rate)
            on_evaluation(folder, step + 1, steps, record)
        if feed.writes and saver.due:
            saver.save(
                {
                    "step": step + 1,
                    "method": method.state_dict(),
                    "feed": feed.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "state": state,
                    "recorder": recorder.state_dict(),
                }
            )

    recorder.finish(method)
    return method


def fit(
    config: RunConfig,
    feed: CachedFeed,
    folder: RunFolder,
    *,
    base: Method,
    on_evaluation: OnEvaluation = lambda folder, step, steps, record: None,
) -> Method:
    """`train` for a `FittedMethod`: an evaluation after each iteration. It is not resumed.

    Args:
        base: the trained `source_only` that it starts from.
    """
    folder.begin()
    with _seeded(config.seed):
        method = new_method(config, feed.domains).to(feed.device)
        recorder = Recorder(folder, feed)
        assert isinstance(method, FittedMethod)
        logged = method.fit(base, *feed.all_central(method.snippets))
        for step, logs in enumerate(logged, start=1):
            recorder.add(logs)
            on_evaluation(folder, step, 0, recorder.evaluate(method, step))
    recorder.finish(method)
    return method


def new_method(config: RunConfig, domains: Domains) -> Method:
    """The run's method as it is before the first step."""
    sizes = Sizes(
        in_features=domains.in_features,
        source_segments=config.source_segments,
        target_segments=config.target_segments,
        classes=len(domains.task.classes),
    )
    with _seeded(config.seed):
        return build(config.method, config.options, sizes)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
