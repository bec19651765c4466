"""Resizing against Pillow and torchvision, normalising against a loop over pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import Resize
from torchvision.transforms.functional import resize as torchvision_resize

from tcon.cache.recipe import Preprocessing
from tcon.extract.backbones import get_spec
from tcon.extract.snippets.transforms import interpolate, normalise, resize

IMAGENET = Preprocessing()


def _smooth_noise(height: int, width: int) -> np.ndarray:
    random = np.random.default_rng(height * width)
    small = random.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    return np.array(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def _tensor(*images: np.ndarray) -> Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


# --- resizing

SHAPES = [(240, 320), (320, 240), (256, 256), (64, 96), (480, 853), (101, 57), (288, 360)]


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_the_short_side_is_resized_as_by_pillow(height: int, width: int) -> None:
    """Pillow's antialiased bilinear filter made the images that the networks were trained on."""
    images = [_smooth_noise(height, width), 255 - _smooth_noise(height, width)]
    found = resize(_tensor(*images), IMAGENET)
    assert found.dtype == torch.uint8
    assert min(found.shape[-2:]) == 256
    for image, ours in zip(images, found, strict=True):
        theirs = np.asarray(Resize(256)(Image.fromarray(image))).astype(int)
        assert ours.shape[-2:] == theirs.shape[:2]
        difference = np.abs(ours.permute(1, 2, 0).numpy().astype(int) - theirs)
        assert difference.max() <= 2, difference.max()
        assert difference.mean() < 0.1


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_both_sides_are_resized_as_by_torchvision_without_antialiasing(
    height: int, width: int
) -> None:
    """So torchvision's clip networks, and C3D by OpenCV, saw their clips."""
    clips = Preprocessing(resize=(128, 171), antialias=False)
    images = torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8)
    found = resize(images, clips)
    theirs = torchvision_resize(images, [128, 171], antialias=False)
    assert found.dtype == torch.uint8
    assert found.shape == (2, 3, 128, 171)
    difference = (found.int() - theirs.int()).abs()
    assert difference.max() <= 1
    assert difference.float().mean() < 0.3


def test_antialiasing_makes_a_difference() -> None:
    """A chessboard of single pixels is grey, filtered; without, it can be black or white."""
    board = (torch.arange(300).view(-1, 1) + torch.arange(300)) % 2 * 255
    images = board.byte().expand(1, 3, 300, 300)
    filtered = interpolate(images, (100, 100), antialias=True)
    assert ((filtered[..., 2:-2, 2:-2] > 100) & (filtered[..., 2:-2, 2:-2] < 156)).all()
    picked = interpolate(images, (100, 100), antialias=False)
    assert set(picked.unique().tolist()) == {0, 255}


def test_an_image_of_the_wanted_size_is_left_alone() -> None:
    images = _tensor(_smooth_noise(256, 300))
    assert torch.equal(resize(images, IMAGENET), images)
    assert torch.equal(interpolate(images, (256, 300), antialias=True), images)


def test_the_sizes_are_the_preprocessings() -> None:
    images = _tensor(_smooth_noise(80, 120))
    assert resize(images, Preprocessing(resize=40)).shape == (1, 3, 40, 60)
    assert resize(images, Preprocessing(resize=(50, 30))).shape == (1, 3, 50, 30)


def test_flow_is_resized_as_well() -> None:
    images = torch.randint(0, 256, (2, 10, 80, 120), dtype=torch.uint8)
    assert resize(images, Preprocessing(resize=40)).shape == (2, 10, 40, 60)


# --- normalising


@pytest.mark.parametrize("frames", [(), (3,)], ids=["images", "clips"])
@pytest.mark.parametrize(
    "preprocessing",
    [
        IMAGENET,
        get_spec("efficientnet_lite0").preprocessing,
        Preprocessing(
            channel_order="BGR",
            value_range=255.0,
            mean=(104.0, 117.0, 123.0),
            std=(1.0, 2.0, 3.0),
        ),
        Preprocessing(value_range=2.0, mean=(1.0, 1.0, 1.0), std=(1.0, 1.0, 1.0)),
    ],
    ids=["imagenet", "lite0", "caffe", "two"],
)
def test_normalise_equals_a_loop(preprocessing: Preprocessing, frames: tuple[int, ...]) -> None:
    images = torch.randint(0, 256, (2, 3, *frames, 5, 4), dtype=torch.uint8)
    found = normalise(images, preprocessing)
    assert found.dtype == torch.float32
    assert found.shape == images.shape
    for n, c, *place in np.ndindex(*found.shape):
        source = "RGB".index(preprocessing.channel_order[c])
        value = images[(n, source, *place)].item() / 255 * preprocessing.value_range
        expected = (value - preprocessing.mean[c]) / preprocessing.std[c]
        assert found[(n, c, *place)].item() == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_flow_has_one_mean_and_deviation_for_all_channels() -> None:
    flow = Preprocessing(channel_order="", value_range=255.0, mean=(128.0,), std=(2.0,))
    fields = torch.randint(0, 256, (2, 10, 5, 4), dtype=torch.uint8)
    torch.testing.assert_close(normalise(fields, flow), (fields.float() - 128) / 2)


def test_imagenet_white_and_black() -> None:
    """Known numbers: (1 - 0.485) / 0.229 and (0 - 0.406) / 0.225."""
    images = torch.tensor([255, 255, 0], dtype=torch.uint8).view(1, 3, 1, 1)
    red, _, blue = normalise(images, IMAGENET).flatten().tolist()
    assert red == pytest.approx(2.2489, abs=1e-4)
    assert blue == pytest.approx(-1.8044, abs=1e-4)
