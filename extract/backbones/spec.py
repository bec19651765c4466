"""What a backbone's weights need to be used rightly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn


@dataclass(frozen=True)
class Weights:
    """Published weights of a backbone.

    Args:
        name: what they were trained on.
        source: where they come from, for people.
        sha256: of the file, or its first digits where the publisher gives only those.
        licence: of the weights.
        fetch: returns the local file, downloading it if need be; raises `OSError` if it cannot.
    """

    name: str
    source: str
    sha256: str
    licence: str
    fetch: Callable[[], Path]


@dataclass(frozen=True)
class BackboneSpec:
    """A backbone and its preprocessing.

    Args:
        name: in the registry.
        build: makes the module with random weights; its forward maps [n, 3, H, W] to [n, dim].
        head: prefix of the classifier's keys in a checkpoint; they are not used.
        layer: what the features are, for people.
        dim: feature dimensions, D.
        weights: the published weights.
        input_size: side of the square input, pixels.
        resize: short side before the centre crop, pixels.
        mean, std: per channel, in ``channel_order`` and in units of ``value_range``.
        channel_order: RGB or BGR.
        value_range: pixel values run from 0 to this.
        snippet_length: frames that make one snippet.
    """

    name: str
    build: Callable[[], nn.Module]
    head: str
    layer: str
    dim: int
    weights: Weights
    input_size: int = 224
    resize: int = 256
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    channel_order: str = "RGB"
    value_range: float = 1.0
    snippet_length: int = 1

    @property
    def preprocessing(self) -> str:
        """One line that tells another lab how to feed this backbone."""
        return (
            f"{self.channel_order} 0-{self.value_range:g}, short side {self.resize} (bilinear, "
            f"antialiased), centre {self.input_size}x{self.input_size}, "
            f"mean {self.mean}, std {self.std}"
        )
