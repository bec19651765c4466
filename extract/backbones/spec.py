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
        name: what they were trained on: "imagenet", "kinetics400" or "sports1m".
        source: where they come from, for people.
        sha256: of the file, or its first digits where the publisher gives only those, or "".
        licence: of the weights.
        fetch: returns the local file, downloading it if need be; raises `OSError` if it cannot.
    """

    name: str
    source: str
    sha256: str
    licence: str
    fetch: Callable[[], Path]


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a decoded frame becomes the input.

    Args:
        resize: short side before the crop, pixels; or (height, width), whatever the frame's shape.
        input_size: side of the square crop, pixels.
        antialias: filter before scaling down, as Pillow does, or not, as OpenCV.
        mean, std: per channel, in ``channel_order`` and in units of ``value_range``.
        channel_order: RGB, BGR, or "" for flow.
        value_range: pixel values run from 0 to this.
    """

    resize: int | tuple[int, int] = 256
    input_size: int = 224
    antialias: bool = True
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    channel_order: str = "RGB"
    value_range: float = 1.0

    def __str__(self) -> str:
        """One line that tells another lab how to feed the backbone."""
        scale = (
            f"short side {self.resize}"
            if isinstance(self.resize, int)
            else f"{self.resize[0]}x{self.resize[1]}"
        )
        return (
            f"{self.channel_order or 'flow'} 0-{self.value_range:g}, {scale} (bilinear"
            f"{', antialiased' if self.antialias else ''}), "
            f"centre {self.input_size}x{self.input_size}, mean {self.mean}, std {self.std}"
        )


@dataclass(frozen=True, kw_only=True)
class BackboneSpec:
    """A backbone and its preprocessing.

    Args:
        name: in the registry.
        build: makes the module with random weights and without classifier; its forward maps
            images [n, 3, H, W], or clips [n, 3, L, H, W] where ``snippet_length`` L > 1, to
            [n, dim].
        head: prefix of the classifier's keys in a checkpoint.
        layer: what the features are, for people.
        dim: feature dimensions, D.
        weights: the published weights.
        preprocessing: of RGB frames.
        snippet_length: frames that make one snippet.
        first_conv: name of the first convolution, which flow replaces; "" where the backbone
            takes no flow.
        flow_mean: pixel value of zero flow in units of ``value_range``; half of it if None.
        batch_size: snippets per forward pass on a CPU, unless the user says otherwise.
    """

    name: str
    build: Callable[[], nn.Module]
    head: str
    layer: str
    dim: int
    weights: Weights
    preprocessing: Preprocessing = Preprocessing()
    snippet_length: int = 1
    first_conv: str = ""
    flow_mean: float | None = None
    batch_size: int = 8
