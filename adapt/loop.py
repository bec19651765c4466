"""The training loop. It knows nothing of any method."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from .batches import EndlessBatches, step_generator
from .config import RunConfig
from .domains import Domains, Videos
from .methods import FittedMethod, Method, Sizes, SourceBatch, build
from .optimiser import learning_rate, make_optimiser
from .recorder import Recorder
from .resume import Saver, restore
from .run_folder import RunFolder

OnStep = Callable[[int, int], None]
OnEvaluation = Callable[[int, int, dict[str, float]], None]


def train(
    config: RunConfig,
    domains: Domains,
    folder: RunFolder,
    *,
    device: torch.device,
    on_step: OnStep = lambda step, steps: None,
    on_evaluation: OnEvaluation = lambda step, steps, record: None,
    save_seconds: float = 30.0,
) -> Method:
    """Train one run and write its folder; an interrupted one continues where it was stored.

    Args:
        config: the run.
        domains: features and source labels; no target labels.
        folder: where it is recorded.
        device: where the features are.
        on_step: called with the steps done and those in all.
        on_evaluation: called with these and the record that was logged.
        save_seconds: work that a kill may cost.

    Returns:
        the trained method.

    Raises:
        InputError: the method cannot be built for these sizes.
        Diverged: the loss or a logit is not finite at an evaluation.
    """
    options = config.train
    source_videos, target_videos = len(domains.source_train), len(domains.target_train)
    source_size = options.batch_size
    target_size = options.target_batch_size(source_videos, target_videos)
    steps = options.steps(source_videos)
    evaluations = min(options.evaluations, steps)
    evaluate_at = {round(steps * (e + 1) / evaluations) for e in range(evaluations)}

    method = new_method(config, domains).to(device)
    source_positions = config.source_segments * method.snippets
    target_positions = config.target_segments * method.snippets
    optimiser = make_optimiser(method.parameters(), options)
    source_batches = EndlessBatches(source_videos, source_size, (config.seed, 0))
    target_batches = EndlessBatches(target_videos, target_size, (config.seed, 1))
    recorder = Recorder(folder, domains, target_positions)
    state, first = method.initial_state(device), 0
    if (place := restore(folder)) is not None:
        method.load_state_dict(place["method"])
        optimiser.load_state_dict(place["optimiser"])
        recorder.load_state_dict(place["recorder"])
        state = {name: value.to(device) for name, value in place["state"].items()}
        first = place["step"]
    saver = Saver(folder, save_seconds)

    for step in range(first, steps):
        generator = step_generator(config.seed, step, device)
        source, labels = _batch(
            domains.source_train, source_batches, step, source_positions, generator
        )
        target, _ = _batch(domains.target_train, target_batches, step, target_positions, generator)
        draws = method.draw(source_size, target_size, generator)
        rate = learning_rate(options, step, steps)
        for group in optimiser.param_groups:
            group["lr"] = rate

        losses, state = method.losses(
            SourceBatch(source, labels), target, progress=step / steps, draws=draws, state=state
        )
        optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        if options.clip_norm:
            torch.nn.utils.clip_grad_norm_(method.parameters(), options.clip_norm)
        optimiser.step()

        recorder.add({"loss": losses.total.detach(), **losses.logs})
        on_step(step + 1, steps)
        if step + 1 in evaluate_at:
            epoch = (step + 1) / options.steps_per_epoch(source_videos)
            record = recorder.evaluate(method, step + 1, epoch=epoch, lr=rate)
            on_evaluation(step + 1, steps, record)
        if saver.due:
            saver.save(
                {
                    "step": step + 1,
                    "method": method.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "state": state,
                    "recorder": recorder.state_dict(),
                }
            )

    recorder.finish(method, source_segments=config.source_segments, options=config.options)
    return method


def fit(
    config: RunConfig,
    domains: Domains,
    folder: RunFolder,
    *,
    base: Method,
    device: torch.device,
    on_evaluation: OnEvaluation = lambda step, steps, record: None,
) -> Method:
    """`train` for a `FittedMethod`: an evaluation after each iteration. It is not resumed.

    Args:
        base: the trained `source_only` that it starts from.
    """
    folder.begin()
    with _seeded(config.seed):
        method = new_method(config, domains).to(device)
        source_positions = config.source_segments * method.snippets
        target_positions = config.target_segments * method.snippets
        recorder = Recorder(folder, domains, target_positions)
        source = SourceBatch(
            _all_central(domains.source_train, source_positions), domains.source_train.labels
        )
        target = _all_central(domains.target_train, target_positions)
        assert isinstance(method, FittedMethod)
        for step, logs in enumerate(method.fit(base, source, target), start=1):
            recorder.add(logs)
            on_evaluation(step, 0, recorder.evaluate(method, step))
    recorder.finish(method, source_segments=config.source_segments, options=config.options)
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


def _batch(
    videos: Videos,
    batches: EndlessBatches,
    step: int,
    positions: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor | None]:
    """A random snippet of each of ``positions`` equal parts, [B, positions, D_in], and labels [B]
    where the domain has them.

    Where snippets have several views, one is drawn for each video: TSN crops and flips all frames
    of a video alike.
    """
    device = videos.start.device
    indices = torch.from_numpy(batches.batch(step)).to(device)
    position = torch.rand(len(indices), positions, generator=generator, device=device)
    view: Tensor | int = 0
    if videos.views > 1:
        shape = (len(indices),)
        view = torch.randint(videos.views, shape, generator=generator, device=device)
    labels = None if videos.labels is None else videos.labels[indices]
    return videos.segments(indices, positions, position, view), labels


def _all_central(videos: Videos, positions: int) -> Tensor:
    """[n, positions, D_in]."""
    return videos.segments(torch.arange(len(videos), device=videos.start.device), positions)
