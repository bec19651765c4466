"""Image backbones for optical flow: stacks of 5 fields, x and y of each, in place of RGB.

Wang et al., "Temporal Segment Networks", ECCV 2016, section 3.2 (cross-modality pre-training).
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from ..preprocessing import Preprocessing
from .spec import BackboneSpec

CHANNELS = 10


def flow_preprocessing(spec: BackboneSpec) -> Preprocessing:
    """The preprocessing of flow: one mean (no motion) and one deviation for all channels."""
    rgb = spec.preprocessing
    mean = rgb.value_range / 2 if spec.flow_mean is None else spec.flow_mean
    deviation = sum(rgb.std) / len(rgb.std)
    return replace(rgb, channel_order="", mean=(mean,), std=(deviation,))


def average_over_rgb(weight: Tensor) -> Tensor:
    """The mean over a first convolution's input channels, once for each channel of flow.

    Args:
        weight: [C, 3, h, w].

    Returns:
        [C, 10, h, w]; the bias needs no change.
    """
    return weight.mean(1, keepdim=True).repeat(1, CHANNELS, 1, 1)


def widen_first_conv(module: nn.Module, first_conv: str) -> None:
    """Make the convolution ``first_conv`` of ``module`` take 10 channels, in place."""
    conv = module.get_submodule(first_conv)
    conv.in_channels = CHANNELS
    conv.weight = nn.Parameter(average_over_rgb(conv.weight.detach()))
