"""Videos of two classes that differ in the order of their segments alone."""

from __future__ import annotations

import torch
from torch import Tensor

from tcon.adapt.methods import Method, MethodConfig, Sizes, SourceBatch, build

K, D_IN = 4, 6


def ordered_videos(videos: int, *, seed: int, shift: float = 0.0) -> SourceBatch:
    """Class 0 shows K things in one order, class 1 in reverse; ``shift`` moves the domain."""
    generator = torch.Generator().manual_seed(seed)
    things = torch.eye(K, D_IN)
    labels = torch.arange(videos) % 2
    features = torch.where(labels[:, None, None] == 0, things, things.flip(0))
    noise = 0.1 * torch.randn(videos, K, D_IN, generator=generator)
    return SourceBatch(features + noise + shift, labels)


def train_briefly(
    name: str, config: MethodConfig, source: SourceBatch, target: Tensor, steps: int = 60
) -> Method:
    """A method trained with Adam on all videos at once."""
    torch.manual_seed(0)
    sizes = Sizes(in_features=D_IN, source_segments=K, target_segments=K, classes=2)
    method, generator = build(name, config, sizes), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(method.parameters(), lr=0.01)
    state = method.initial_state(torch.device("cpu"))
    for step in range(steps):
        draws = method.draw(len(source.labels), len(target), generator)
        losses, state = method.losses(
            source, target, progress=step / steps, draws=draws, state=state
        )
        optimiser.zero_grad()
        losses.total.backward()
        optimiser.step()
    return method


@torch.inference_mode()
def accuracy(method: Method, test: SourceBatch) -> float:
    """Share of videos that are classified rightly."""
    return float((method.predict(test.features).argmax(1) == test.labels).float().mean())
