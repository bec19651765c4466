"""Methods that tests of the loop and the grid register for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from tcon.adapt.methods import (
    FittedMethod,
    Method,
    MethodConfig,
    Sizes,
    SourceBatch,
    entry,
    register,
)
from tcon.adapt.methods.source_only import SourceOnly


def add(name: str, method: type[Method], **presets: tuple[str, ...]) -> None:
    """Register ``method``; the fixture `temporary_methods` forgets it when the test ends."""
    config = replace(entry("source_only").config, features=8)
    register(name, config, presets=presets)(method)


class Diverging(SourceOnly):
    """Its loss is not a number."""

    def losses(self, *args: object, **options: object) -> object:
        losses, state = super().losses(*args, **options)
        return losses._replace(total=losses.total * torch.nan), state


class Equal(SourceOnly):
    """Needs equal numbers of segments."""

    def __init__(self, config: MethodConfig, sizes: Sizes) -> None:
        sizes.equal_segments("equal")
        super().__init__(config, sizes)


class Hungry(SourceOnly):
    """Never gets the memory it asks for."""

    def draw(self, *args: object) -> object:
        raise MemoryError


class Observer(SourceOnly):
    """Sees two snippets of each segment and remembers the shapes it was given."""

    snippets = 2
    seen: list[tuple[torch.Size, torch.Size]] = []

    def draw(
        self, source_videos: int, target_videos: int, generator: torch.Generator
    ) -> dict[str, Tensor]:
        positions = self.segments * self.snippets
        return {"classifier": self.classifier.draw(source_videos, positions, generator)}

    def losses(self, source: SourceBatch, target: Tensor, **options: object) -> object:
        self.seen.append((source.features.shape, target.shape))
        return super().losses(source, target, **options)


class Nearest(FittedMethod):
    """The nearest class mean of the base's features, weighed more and more for two iterations."""

    def __init__(self, config: MethodConfig, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.bottleneck = nn.Linear(sizes.in_features, config.features)
        self.register_buffer("means", torch.zeros(sizes.classes, sizes.in_features))

    def fit(self, base: Method, source: SourceBatch, target: Tensor) -> Iterator[dict[str, float]]:
        assert isinstance(base, SourceOnly)
        features = source.features.mean(1)  # [n, D_in]
        for iteration in (1, 2):
            for label in range(self.sizes.classes):
                self.means[label] = iteration * features[source.labels == label].mean(0)
            noise = torch.rand(())  # seeded by the run
            yield {"iteration": float(iteration), "noise": float(noise), "videos": len(target)}

    def predict(self, features: Tensor) -> Tensor:
        return features.mean(1) @ self.means.T
