"""Frames as flow is computed on them."""

from __future__ import annotations

import torch
from torch import Tensor

from ...cache.recipe import FLOW_SIZE
from ..snippets.transforms import interpolate

HEIGHT, WIDTH = FLOW_SIZE
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in OpenCV


def grey(images: Tensor) -> Tensor:
    """Resize before flow, then grey.

    Args:
        images: [n, 3, H, W] uint8 RGB.

    Returns:
        [n, 256, 340] uint8.
    """
    pixels = interpolate(images, (HEIGHT, WIDTH), antialias=True)  # [n, 3, 256, 340]
    weights = torch.tensor(GREY).view(1, 3, 1, 1)
    return (pixels * weights).sum(1).round().byte()
