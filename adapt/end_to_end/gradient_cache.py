"""A whole batch through a backbone that has memory for a part of it.

Co-attention needs the features of all videos of a batch at once, and their gradients need the
activations of the backbone, which do not fit. So there are two passes, as in GradCache (Gao et
al., 2021): first the features of every micro-batch, without activations; then, with the gradient of
the whole batch's loss at the features, each micro-batch again, this time with activations and
backward. Both passes draw the same random numbers. A batch that fits at once takes one pass. A
micro-batch is a number of images, or of clips where the backbone takes these, so that the segments
of one video may be divided too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..training.processes import Processes
from .backbone import TrainedBackbone


class _Part(NamedTuple):
    """A micro-batch: images [n, ...] of a domain, their rows in the whole batch, and the seed of
    the backbone's random numbers."""

    domain: int
    rows: slice
    images: Tensor
    seed: int


class GradientCache:
    """Computes the features of a batch, and takes their gradients back through the backbone.

    Args:
        backbone: in training mode.
        micro_batch: images or clips that go through it at once.
        processes: those that share a batch.
    """

    def __init__(
        self,
        backbone: TrainedBackbone,
        micro_batch: int,
        processes: Processes = Processes(),  # noqa: B008  (it never changes)
    ) -> None:
        self.backbone, self.micro_batch, self.processes = backbone, micro_batch, processes
        self._parts: list[tuple[_Part, Tensor | None]] = []
        self._features: list[Tensor] = []

    def forward(self, domains: list[Tensor], seed: tuple[int, ...]) -> list[Tensor]:
        """Compute the features of each domain's videos: leaves of the graph, with gradients.

        Args:
            domains: uint8 images of each, [b, P, C, S, S] or [b, P, c, L, S, S]: this process's
                share of the B videos of a batch.
            seed: of the backbone's random numbers, such as those of dropout.

        Returns:
            of each domain [B, P, D] float32.
        """
        self.processes.broadcast_buffers(self.backbone.module)
        fits = sum(x.shape[0] * x.shape[1] for x in domains) <= self.micro_batch
        statistics = nullcontext() if fits else self.backbone.keeping_statistics()
        with statistics, torch.set_grad_enabled(fits):
            computed = [(part, self._run(part)) for part in self._split(domains, seed)]
        self._features = []
        for domain, images in enumerate(domains):
            features = torch.cat([f.detach() for part, f in computed if part.domain == domain])
            features = features.unflatten(0, images.shape[:2])  # [b, P, D]
            self._features.append(self.processes.gather(features).requires_grad_())
        self._parts = [(part, features if fits else None) for part, features in computed]
        return self._features

    def backward(self) -> None:
        """Add what the gradients of the features say to the gradients of the backbone."""
        parts, self._parts = self._parts, []
        if not self.backbone.parameters:  # it is frozen
            return
        for part, features in parts:
            gradient = self._features[part.domain].grad  # [B, P, D]
            if gradient is not None:  # else the method does not use this domain
                features = self._run(part) if features is None else features
                features.backward(gradient.flatten(0, 1)[part.rows])
        self.processes.sum_gradients(self.backbone.parameters)

    def _split(self, domains: list[Tensor], seed: tuple[int, ...]) -> Iterator[_Part]:
        rank = self.processes.rank
        for domain, share in enumerate(domains):
            flat = share.flatten(0, 1)  # [b P, ...]
            before = rank * len(flat)
            for start in range(0, len(flat), self.micro_batch):
                images = flat[start : start + self.micro_batch]
                rows = slice(before + start, before + start + len(images))
                drawn = np.random.SeedSequence((*seed, domain, rows.start)).generate_state(1)[0]
                yield _Part(domain, rows, images, int(drawn))

    def _run(self, part: _Part) -> Tensor:
        """The features of a micro-batch, [n, D]."""
        images = part.images.to(self.backbone.device, non_blocking=True)
        with _seeded(part.seed, self.backbone.device):
            return self.backbone.features(images)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
