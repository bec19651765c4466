"""Pairs of frames for tests of optical flow."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

KINDS = ("translation", "rotation", "cut", "still")


def flow_pairs(height: int, width: int) -> tuple[Tensor, Tensor]:
    """First and second frames [4, height, width] uint8, of `KINDS`."""
    noise = torch.rand(2, 1, height // 4 + 4, width // 4 + 4, generator=torch.manual_seed(0))
    size = height + 16, width + 16
    scenes = F.interpolate(255 * noise, size, mode="bicubic").clamp(0, 255)
    angle = torch.tensor(0.03)
    turn = torch.tensor([[angle.cos(), -angle.sin(), 0], [angle.sin(), angle.cos(), 0]])
    grid = F.affine_grid(turn[None], (1, 1, *size), align_corners=False)
    turned = F.grid_sample(scenes[:1], grid, mode="bicubic", align_corners=False).clamp(0, 255)

    def crop(image: Tensor, top: int = 8, left: int = 8) -> Tensor:
        return image[0, top : top + height, left : left + width].round().byte()

    scene, other = scenes
    seconds = [crop(scene, 7, 10), crop(turned[0]), crop(other), crop(scene)]
    return crop(scene).expand(4, -1, -1), torch.stack(seconds)
