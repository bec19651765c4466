"""Images as a backbone expects them: resize and crop on the CPU, normalise on the device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ...cache.recipe import Preprocessing


def resize(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Resize as the weights expect it, before any crop.

    Args:
        images: [n, C, H, W] uint8, or levels of flow as float.

    Returns:
        [n, C, h, w] of the same type; the short side, or both, as ``preprocessing.resize`` says.
    """
    size = preprocessing.resize
    if isinstance(size, int):
        height, width = images.shape[-2:]
        short = min(height, width)
        size = (int(size * height / short), int(size * width / short))
    return interpolate(images, size, antialias=preprocessing.antialias)


def interpolate(images: Tensor, size: tuple[int, int], *, antialias: bool) -> Tensor:
    """Bilinear scaling to ``size`` (h, w), [n, C, H, W] to [n, C, h, w] of the same type."""
    if images.shape[-2:] == torch.Size(size):
        return images
    if images.dtype == torch.uint8 and images.device.type != "cpu":  # where torch only has floats
        scaled = F.interpolate(images.float(), size, mode="bilinear", antialias=antialias)
        return scaled.round().byte()
    return F.interpolate(images, size, mode="bilinear", antialias=antialias)


def normalise(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """uint8 pixels to the backbone's channel order, range, mean and deviation.

    Args:
        images: RGB images [n, 3, H, W] or clips [n, 3, L, H, W], or flow [n, 10, H, W].

    Returns:
        the same shape, float32.
    """
    x = images.float()
    if preprocessing.channel_order == "BGR":
        x = x.flip(1)
    x = x * (preprocessing.value_range / 255)
    shape = (1, -1, *(1,) * (x.ndim - 2))
    mean, std = (x.new_tensor(v).view(shape) for v in (preprocessing.mean, preprocessing.std))
    return (x - mean) / std
