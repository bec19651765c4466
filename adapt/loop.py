"""The training loop. It knows nothing of any method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from .batches import EndlessBatches, step_generator
from .config import RunConfig
from .domains import Domains, Videos
from .methods import Method, Sizes, SourceBatch, build
from .run_folder import RunFolder
from .schedules import step_decay

OnEvaluation = Callable[[int, int, dict[str, float]], None]


def train(
    config: RunConfig,
    domains: Domains,
    folder: RunFolder,
    *,
    device: torch.device,
    on_evaluation: OnEvaluation = lambda step, steps, record: None,
) -> Method:
    """Train one run and write its folder.

    Args:
        config: the run.
        domains: features and source labels; no target labels.
        folder: where it is recorded.
        on_evaluation: called with step, total steps and the record that was logged.

    Returns:
        the trained method.
    """
    folder.begin()
    method = _build(config, domains).to(device)
    options = config.train
    steps = options.steps(len(domains.source_train))
    optimiser = torch.optim.Adam(
        method.parameters(), lr=options.lr, weight_decay=options.weight_decay
    )
    source_batches = EndlessBatches(len(domains.source_train), options.batch_size, (config.seed, 0))
    target_batches = EndlessBatches(len(domains.target_train), options.batch_size, (config.seed, 1))
    state = method.initial_state(device)
    evaluations = min(options.evaluations, steps)
    evaluate_at = {round(steps * (e + 1) / evaluations) for e in range(evaluations)}
    sets = _prediction_sets(domains)
    logits: dict[str, list[np.ndarray]] = {name: [] for name in sets}
    sums: dict[str, Tensor | float] = defaultdict(float)
    last = 0

    for step in range(steps):
        progress = step / steps
        generator = step_generator(config.seed, step, device)
        source, labels = _batch(domains.source_train, source_batches, step, config, generator)
        target, _ = _batch(domains.target_train, target_batches, step, config, generator)
        draws = method.draw(options.batch_size, options.batch_size, generator)
        rate = options.lr * step_decay(progress, factor=options.lr_factor, drops=options.lr_drops)
        for group in optimiser.param_groups:
            group["lr"] = rate

        losses, state = method.losses(
            SourceBatch(source, labels), target, progress=progress, draws=draws, state=state
        )
        optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        if options.clip_norm:
            torch.nn.utils.clip_grad_norm_(method.parameters(), options.clip_norm)
        optimiser.step()

        for name, value in {"loss": losses.total.detach(), **losses.logs}.items():
            sums[name] += value  # stays on the device
        if step + 1 in evaluate_at:
            means = {name: float(value) / (step + 1 - last) for name, value in sums.items()}
            per_epoch = options.steps_per_epoch(len(domains.source_train))
            record = {"step": step + 1, "epoch": (step + 1) / per_epoch, "lr": rate, **means}
            folder.log(record)
            for name, videos in sets.items():
                logits[name].append(predict(method, videos, config.segments))
            on_evaluation(step + 1, steps, record)
            sums, last = defaultdict(float), step + 1

    folder.finish(
        method,
        domains.task.classes,
        sorted(evaluate_at),
        {name: (sets[name].ids, np.stack(values)) for name, values in logits.items()},
    )
    return method


@torch.inference_mode()
def predict(method: Method, videos: Videos, segments: int, *, chunk: int = 1024) -> np.ndarray:
    """Logits [n, C] from the central snippet of each segment."""
    device = videos.start.device
    chunks = torch.arange(len(videos), device=device).split(chunk)
    logits = [method.predict(videos.segments(indices, segments)) for indices in chunks]
    return torch.cat(logits).cpu().numpy()


def _build(config: RunConfig, domains: Domains) -> Method:
    sizes = Sizes(
        in_features=domains.in_features,
        source_segments=config.segments,
        target_segments=config.segments,
        classes=len(domains.task.classes),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return build(config.method, config.options, sizes)


def _batch(
    videos: Videos,
    batches: EndlessBatches,
    step: int,
    config: RunConfig,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor | None]:
    """A random snippet of each segment [B, K, D_in], and labels [B] where the domain has them.

    Where snippets have several views, one is drawn for each video: TSN crops and flips all frames
    of a video alike.
    """
    device = videos.start.device
    indices = torch.from_numpy(batches.batch(step)).to(device)
    position = torch.rand(len(indices), config.segments, generator=generator, device=device)
    view: Tensor | int = 0
    if videos.views > 1:
        shape = (len(indices),)
        view = torch.randint(videos.views, shape, generator=generator, device=device)
    labels = None if videos.labels is None else videos.labels[indices]
    return videos.segments(indices, config.segments, position, view), labels


def _prediction_sets(domains: Domains) -> dict[str, Videos]:
    sets = {"target_train": domains.target_train, "target_test": domains.target_test}
    if domains.source_val is not None:
        sets["source_val"] = domains.source_val
    return sets
