"""Resizing against Pillow, normalising against a loop over pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, Resize

from tcon.extract.backbones import BackboneSpec, get_spec
from tcon.extract.transforms import normalise, resize_and_crop

SPEC = get_spec("resnet18")


def _smooth_noise(height: int, width: int) -> np.ndarray:
    random = np.random.default_rng(height * width)
    small = random.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    return np.array(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


@pytest.mark.parametrize(
    ("height", "width"),
    [(240, 320), (320, 240), (256, 256), (64, 96), (480, 853), (101, 57), (288, 360)],
)
def test_resize_and_crop_equals_pillow(height: int, width: int) -> None:
    """Pillow's antialiased bilinear filter made the images that the networks were trained on."""
    images = np.stack([_smooth_noise(height, width), 255 - _smooth_noise(height, width)])
    found = resize_and_crop(images, SPEC)
    assert found.dtype == torch.uint8
    assert found.shape == (2, 3, 224, 224)
    reference = Compose([Resize(256), CenterCrop(224)])
    for image, ours in zip(images, found, strict=True):
        theirs = np.asarray(reference(Image.fromarray(image))).astype(int)
        difference = np.abs(ours.permute(1, 2, 0).numpy().astype(int) - theirs)
        assert difference.max() <= 2, difference.max()
        assert difference.mean() < 0.1


def test_the_crop_is_the_centre() -> None:
    """A frame whose left and right edges alone are white: the crop cuts both off alike."""
    image = np.zeros((1, 256, 512, 3), np.uint8)
    image[:, :, :150] = image[:, :, -150:] = 255
    row = resize_and_crop(image, SPEC)[0, 0, 100]
    assert (row[:6] == 255).all()
    assert (row[6:-6] == 0).all()
    assert (row[-6:] == 255).all()


def test_the_sizes_are_the_specs() -> None:
    spec = replace(SPEC, resize=40, input_size=32)
    assert resize_and_crop(_smooth_noise(80, 120)[None], spec).shape == (1, 3, 32, 32)


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        get_spec("efficientnet_lite0"),
        replace(
            SPEC,
            channel_order="BGR",
            value_range=255.0,
            mean=(104.0, 117.0, 123.0),
            std=(1.0, 2.0, 3.0),
        ),
        replace(SPEC, value_range=2.0, mean=(1.0, 1.0, 1.0), std=(1.0, 1.0, 1.0)),
    ],
    ids=["imagenet", "lite0", "caffe", "two"],
)
def test_normalise_equals_a_loop(spec: BackboneSpec) -> None:
    images = torch.randint(0, 256, (2, 3, 5, 4), dtype=torch.uint8)
    found = normalise(images, spec)
    assert found.dtype == torch.float32
    for n, c, y, x in np.ndindex(*found.shape):
        source = "RGB".index(spec.channel_order[c])
        value = images[n, source, y, x].item() / 255 * spec.value_range
        expected = (value - spec.mean[c]) / spec.std[c]
        assert found[n, c, y, x].item() == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_imagenet_white_and_black() -> None:
    """Known numbers: (1 - 0.485) / 0.229 and (0 - 0.406) / 0.225."""
    images = torch.tensor([255, 255, 0], dtype=torch.uint8).view(1, 3, 1, 1)
    red, _, blue = normalise(images, SPEC).flatten().tolist()
    assert red == pytest.approx(2.2489, abs=1e-4)
    assert blue == pytest.approx(-1.8044, abs=1e-4)
