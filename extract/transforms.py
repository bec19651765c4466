"""Images as a backbone wants them: resize and crop on the CPU, normalise on the device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from .backbones.spec import BackboneSpec


def resize_and_crop(images: np.ndarray, spec: BackboneSpec) -> Tensor:
    """Scale the short side to ``spec.resize`` pixels and cut the centre square.

    Args:
        images: [n, H, W, 3] uint8 RGB.

    Returns:
        [n, 3, spec.input_size, spec.input_size] uint8 RGB.
    """
    x = torch.from_numpy(images).permute(0, 3, 1, 2)  # [n, 3, H, W]
    x = tv.resize(x, [spec.resize], antialias=True)
    return tv.center_crop(x, [spec.input_size, spec.input_size]).contiguous()


def normalise(images: Tensor, spec: BackboneSpec) -> Tensor:
    """uint8 RGB [n, 3, H, W] to the backbone's channel order, range, mean and deviation."""
    x = images.float()
    if spec.channel_order == "BGR":
        x = x.flip(1)
    x = x * (spec.value_range / 255)
    mean, std = (x.new_tensor(v).view(1, 3, 1, 1) for v in (spec.mean, spec.std))
    return (x - mean) / std
