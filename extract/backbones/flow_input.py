"""Backbones for optical flow in place of RGB.

Image backbones take stacks of 5 fields, x and y of each; clip backbones take clips of fields.

Wang et al., "Temporal Segment Networks", ECCV 2016, section 3.2 (cross-modality pre-training).
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from ...cache.errors import InputError
from ...cache.recipe import Preprocessing
from .spec import BackboneSpec

_IMAGE_CHANNELS, _CLIP_CHANNELS = 10, 2


def flow_preprocessing(spec: BackboneSpec) -> Preprocessing:
    """The preprocessing of flow: one mean (no motion) and one deviation for all channels."""
    rgb = spec.preprocessing
    mean = rgb.value_range / 2 if spec.flow_mean is None else spec.flow_mean
    deviation = sum(rgb.std) / len(rgb.std)
    return replace(rgb, channel_order="", mean=(mean,), std=(deviation,))


def average_over_rgb(weight: Tensor) -> Tensor:
    """The mean over a first convolution's input channels, once for each channel of flow.

    Args:
        weight: [C, 3, h, w] of an image, [C, 3, t, h, w] of a clip backbone.

    Returns:
        [C, 10, h, w] or [C, 2, t, h, w]; the bias needs no change.
    """
    channels = _IMAGE_CHANNELS if weight.ndim == 4 else _CLIP_CHANNELS
    return weight.mean(1, keepdim=True).repeat_interleave(channels, 1)


def widen_first_conv(module: nn.Module, first_conv: str) -> None:
    """Make the convolution ``first_conv`` of ``module`` take flow, in place.

    Raises:
        InputError: it is not a convolution.
    """
    conv = module.get_submodule(first_conv)
    if not isinstance(conv, nn.Conv2d | nn.Conv3d):
        raise InputError(f"{first_conv} is not a convolution, so it cannot be made to take flow")
    conv.weight = nn.Parameter(average_over_rgb(conv.weight.detach()))
    conv.in_channels = conv.weight.shape[1]
