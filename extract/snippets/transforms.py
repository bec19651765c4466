"""Images as a backbone expects them: resize and crop on the CPU, normalise on the device."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ...cache.recipe import Interpolation, Preprocessing


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
    mode, antialias = preprocessing.interpolation, preprocessing.antialias
    frames = images.dtype == torch.uint8 and images.shape[1] == 3
    if frames and preprocessing.resizer == "pillow":
        return _by_pillow(images, size, mode)
    if frames and preprocessing.resizer == "torch-float":
        return interpolate(images.float(), size, mode=mode, antialias=antialias).round().byte()
    return interpolate(images, size, mode=mode, antialias=antialias)


def _by_pillow(images: Tensor, size: tuple[int, int], mode: Interpolation) -> Tensor:
    """Scaling of RGB images [n, 3, H, W] uint8 to ``size`` (h, w), antialiased."""
    resample, shape = Image.Resampling[mode.upper()], size[::-1]
    pixels = [
        np.array(Image.fromarray(each).resize(shape, resample))
        for each in images.permute(0, 2, 3, 1).numpy()
    ]
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()  # [n, 3, h, w]


def interpolate(
    images: Tensor, size: tuple[int, int], *, mode: Interpolation = "bilinear", antialias: bool
) -> Tensor:
    """Scaling to ``size`` (h, w), [n, C, H, W] to [n, C, h, w] of the same type."""
    if images.shape[-2:] == torch.Size(size):
        return images
    antialias = antialias and mode != "nearest"
    if images.dtype == torch.uint8 and images.device.type == "cpu":
        return F.interpolate(images, size, mode=mode, antialias=antialias)
    scaled = F.interpolate(images.float(), size, mode=mode, antialias=antialias)
    if mode == "bicubic":  # it overshoots at edges
        scaled = scaled.clamp(0, 255)
    return scaled.round().byte() if images.dtype == torch.uint8 else scaled


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
