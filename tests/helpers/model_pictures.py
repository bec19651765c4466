"""A picture, and what tcon makes of it for a backbone."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import center_crop

from tcon.extract.backbones import LoadedBackbone
from tcon.extract.snippets.transforms import normalise, resize


def picture() -> Image.Image:
    """Smooth noise of 320 x 240 pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((320, 240), Image.Resampling.BICUBIC)


def pixels() -> Tensor:
    """The same as a decoded frame, [1, 3, 240, 320] uint8."""
    return torch.from_numpy(np.array(picture())).permute(2, 0, 1)[None]


@torch.inference_mode()
def features_of_picture(backbone: LoadedBackbone) -> Tensor:
    """Features [1, D] of the picture, or of a clip that shows nothing else."""
    made = backbone.spec.preprocessing
    frames = normalise(center_crop(resize(pixels(), made), [made.input_size]), made)
    if backbone.spec.snippet_length > 1:
        frames = frames[:, :, None].repeat(1, 1, backbone.spec.snippet_length, 1, 1)
    return backbone.module(frames)
