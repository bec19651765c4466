"""Where a run's segment features come from, and where their gradients go.

The loop knows nothing of it. Cached features (`CachedFeed`) are gathered on the device and take no
gradient; end to end (`end_to_end.feed`) a backbone makes them of clips and learns from them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...cache.common.short import short_repr
from ..config.options import RunConfig
from ..methods import Method, SourceBatch
from ..training.health import Finding
from .batches import EndlessBatches, step_generator
from .domains import Domains, Videos
from .features import FetchedFeatures
from .prefetch import prefetched

_CHUNK = 1024  # videos predicted at once


class Batch(NamedTuple):
    """What a step trains on, the generator of its further random numbers, and what to record."""

    source: SourceBatch
    target: Tensor
    generator: torch.Generator
    logs: Mapping[str, Tensor] = {}

    def __repr__(self) -> str:
        return short_repr(self)


class Feed(ABC):
    """Batches of a run.

    Batches and random numbers follow from seed and step alone, so that an interrupted run
    continues as if it had not been.

    Args:
        run: its options.
        domains: the videos.
        device: where the method is.

    Attributes:
        source_size, target_size: videos of each domain in a batch, Bs and Bt.
        writes: whether this process writes the run's folder.
    """

    writes = True

    def __init__(self, run: RunConfig, domains: Domains, device: torch.device) -> None:
        self.run, self.domains, self.device = run, domains, device
        source, target = len(domains.source_train), len(domains.target_train)
        self.source_size = run.train.batch_size
        self.target_size = run.train.target_batch_size(source, target)
        self.source_batches = EndlessBatches(source, self.source_size, (run.seed, 0))
        self.target_batches = EndlessBatches(target, self.target_size, (run.seed, 1))

    @abstractmethod
    def batches(self, steps: range, method: Method) -> Iterator[Batch]:
        """The batch of each of ``steps`` for this method."""

    def parameter_groups(self, method: Method) -> list[tuple[list[nn.Parameter], float]]:
        """What is trained, and by which multiple of the rate."""
        return [(list(method.parameters()), 1.0)]

    def update(self, total: Tensor, optimiser: torch.optim.Optimizer, clip_norm: float) -> None:
        """One step down the gradient of the loss of the last batch."""
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        clip_gradients(optimiser, clip_norm)
        optimiser.step()

    @abstractmethod
    def predict(self, method: Method, name: str) -> Tensor:
        """Logits [n, C] on the CPU of a prediction set, from the central snippets."""

    def state_dict(self) -> dict[str, Any]:
        """What is trained beside the method, and what else a run continues from."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`.

        Raises:
            ValueError: it is none of this feed.
        """
        if state != {}:
            raise ValueError("feed has entries")

    def counts(self) -> dict[str, float]:
        """What went wrong with the videos so far, in numbers, for those who look on."""
        return {}

    def findings(self) -> list[Finding]:
        """What went wrong with the videos."""
        return []

    def checkpoint(self) -> dict[str, Any]:
        """What the run's checkpoint holds beside the method."""
        return {"normalise": self.domains.statistics}


class CachedFeed(Feed):
    """A random snippet of each segment. Features that do not lie on the device are fetched by a
    thread, a step ahead."""

    domains: Domains[Videos]

    def batches(self, steps: range, method: Method) -> Iterator[Batch]:
        make = partial(self._batch, method.snippets)
        if self._fetches:
            return prefetched(make, steps, self.device)
        return map(make, steps)

    def all_central(self, snippets: int) -> tuple[SourceBatch, Tensor]:
        """The central snippets of all training videos."""
        source, target = self.domains.source_train, self.domains.target_train
        features = _central(source, self.run.source_segments * snippets)
        assert source.labels is not None
        return SourceBatch(features, source.labels), _central(
            target, self.run.target_segments * snippets
        )

    @torch.inference_mode()
    def predict(self, method: Method, name: str) -> Tensor:
        videos = self.domains.prediction_sets[name]
        positions = self.run.target_segments * method.snippets
        chunks = torch.arange(len(videos), device=self.device).split(_CHUNK)
        logits = [method.predict(videos.segments(chunk, positions)) for chunk in chunks]
        return torch.cat(logits).float().cpu()

    @property
    def _fetches(self) -> bool:
        """Whether features do not lie on the device."""
        return isinstance(self.domains.source_train.features, FetchedFeatures)

    def _batch(self, snippets: int, step: int) -> Batch:
        """What a method of so many snippets a segment trains on at a step."""
        train, pool = self.domains.source_train, self.domains.target_train
        source_positions = self.run.source_segments * snippets
        target_positions = self.run.target_segments * snippets
        generator = step_generator(self.run.seed, step, self.device)
        source, labels = _batch(train, self.source_batches, step, source_positions, generator)
        assert labels is not None
        target, _ = _batch(pool, self.target_batches, step, target_positions, generator)
        return Batch(SourceBatch(source, labels), target, generator)


def clip_gradients(optimiser: torch.optim.Optimizer, norm: float) -> None:
    """Scale all gradients down to ``norm`` together; 0 leaves them."""
    if norm:
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, norm)


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
    indices = torch.from_numpy(batches.batch(step))
    if device.type == "cuda":  # without waiting for the step before
        indices = indices.pin_memory().to(device, non_blocking=True)
    position = torch.rand(len(indices), positions, generator=generator, device=device)
    view: Tensor | int = 0
    if videos.views > 1:
        shape = (len(indices),)
        view = torch.randint(videos.views, shape, generator=generator, device=device)
    labels = None if videos.labels is None else videos.labels[indices]
    return videos.segments(indices, positions, position, view), labels


def _central(videos: Videos, positions: int) -> Tensor:
    """[n, positions, D_in]."""
    return videos.segments(torch.arange(len(videos), device=videos.start.device), positions)
