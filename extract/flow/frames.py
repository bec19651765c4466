"""Frames as flow is computed on them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

HEIGHT, WIDTH = 256, 340  # the convention of TSN's flow
_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in OpenCV


def grey(images: Tensor) -> Tensor:
    """Resize before flow, then grey.

    Args:
        images: [T, H, W, 3] uint8 RGB.

    Returns:
        [T, 256, 340] uint8.
    """
    pixels = images.permute(0, 3, 1, 2)  # [T, 3, H, W]
    pixels = F.interpolate(pixels, (HEIGHT, WIDTH), mode="bilinear", antialias=True)
    weights = torch.tensor(_GREY).view(1, 3, 1, 1)
    return (pixels * weights).sum(1).round().byte()
