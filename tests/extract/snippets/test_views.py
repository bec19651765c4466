"""Views of a frame against torchvision, Pillow, and TSN's crops written out as loops."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import center_crop, five_crop, hflip

from tcon.cache import InputError
from tcon.cache.recipe import Views
from tcon.extract.snippets.views import Box, TrainingCrop, crop, crop_boxes, parse_views

SHAPES = [(256, 340), (340, 256), (256, 256), (128, 171), (131, 135)]
Boxes = Counter[tuple[int, int, int, int]]  # top, left, height, width


def _images(height: int, width: int) -> Tensor:
    random = np.random.default_rng(height)
    small = random.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    image = np.array(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
    return torch.from_numpy(np.stack([image, 255 - image[::-1]])).permute(0, 3, 1, 2)


def _cut(images: Tensor, views: Views, size: int, video: str = "v") -> Tensor:
    return crop(images, crop_boxes(views, *images.shape[-2:], size, video=video), size)


# --- names


@pytest.mark.parametrize(
    ("text", "views"),
    [("centre", 1), ("flip", 2), ("tencrop", 10), ("multiscale:1", 2), ("multiscale:12", 13)],
)
def test_names(text: str, views: int) -> None:
    assert str(parse_views(text)) == text
    assert len(parse_views(text)) == views
    assert len(crop_boxes(parse_views(text), 64, 80, 48, video="v")) == views


@pytest.mark.parametrize(
    "text",
    ["", "center", "Flip", "flip:2", "multiscale", "multiscale:", "multiscale:0", "multiscale:-1"]
    + ["multiscale:02", "multiscale:2x", "multiscale:1.5", "tencrop\n", " centre"],
)
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"centre, flip, tencrop or multiscale:N"):
        parse_views(text)


# --- fixed views


@pytest.mark.parametrize("name", ["centre", "flip", "tencrop", "multiscale:2"])
@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_the_first_view_is_the_centre_crop(height: int, width: int, name: str) -> None:
    images = _images(height, width)
    found = _cut(images, parse_views(name), 112)
    assert found.dtype == torch.uint8
    assert torch.equal(found[:, 0], center_crop(images, 112))


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_flip_adds_the_mirror_image(height: int, width: int) -> None:
    images = _images(height, width)
    found = _cut(images, Views("flip"), 112)
    assert found.shape == (2, 2, 3, 112, 112)
    assert torch.equal(found[:, 1], hflip(center_crop(images, 112)))


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_tencrop_holds_the_crops_of_torchvision(height: int, width: int) -> None:
    """The centre, four corners, then the mirror image of each."""
    images = _images(height, width)
    found = _cut(images, Views("tencrop"), 112)
    *corners, centre = five_crop(images, 112)
    assert torch.equal(found[:, :5], torch.stack([centre, *corners], 1))
    assert torch.equal(found[:, 5:], found[:, :5].flip(-1))


# --- TSN's crops


def _tsn(
    height: int, width: int, size: int, scales: tuple[float, ...] = (1, 0.875, 0.75, 0.66)
) -> Boxes:
    """Every crop that TSN can draw, as often as it is among its equally likely draws."""
    sides = [int(min(height, width) * scale) for scale in scales]
    sides = [size if abs(side - size) < 3 else side for side in sides]
    crops: Boxes = Counter()
    for i in range(len(sides)):
        for j in range(len(sides)):
            if abs(i - j) > 1:
                continue
            h, w = sides[i], sides[j]
            down, right = (height - h) // 4, (width - w) // 4
            corners = [(0, 0), (0, 4 * right), (4 * down, 0), (4 * down, 4 * right)]
            centre = [(2 * down, 2 * right)]
            edges = [(0, 2 * right), (4 * down, 2 * right), (2 * down, 0), (2 * down, 4 * right)]
            quarters = [(y * down, x * right) for y in (1, 3) for x in (1, 3)]
            for top, left in corners + centre + edges + quarters:
                crops[top, left, h, w] += 1
    return crops


@pytest.mark.slow
@pytest.mark.parametrize(
    ("height", "width", "size"), [(256, 340, 224), (340, 256, 224), (128, 171, 112), (64, 64, 64)]
)
def test_multiscale_draws_every_crop_of_tsn_equally_often(
    height: int, width: int, size: int
) -> None:
    expected, draws = _tsn(height, width, size), 20_000
    assert sum(expected.values()) == 10 * 13
    boxes = crop_boxes(Views("multiscale", draws), height, width, size, video="v")[1:]
    found = Counter((box.top, box.left, box.height, box.width, box.flip) for box in boxes)
    assert set(found) == {(*box, flip) for box in expected for flip in (False, True)}
    for (*box, _), n in found.items():
        share = expected[tuple(box)] / 130 / 2
        assert abs(n - draws * share) < 5 * (draws * share) ** 0.5, box
    for box in boxes:
        assert 0 <= box.top <= height - box.height
        assert 0 <= box.left <= width - box.width


def test_sides_within_3_pixels_of_the_input_are_the_inputs() -> None:
    """256 * 0.875 is 224; 258 * 0.875 is 225, 260 * 0.875 is 227."""
    for height, side in ((256, 224), (258, 224), (260, 227)):
        boxes = crop_boxes(Views("multiscale", 200), height, 300, 224, video="v")[1:]
        assert side in {box.height for box in boxes}


def test_a_video_always_gets_the_same_draws_and_another_gets_others() -> None:
    views = Views("multiscale", 3)
    drawn = [crop_boxes(views, 256, 340, 224, video=f"run/{n}.mp4") for n in range(50)]
    assert drawn == [crop_boxes(views, 256, 340, 224, video=f"run/{n}.mp4") for n in range(50)]
    assert len({tuple(boxes) for boxes in drawn}) == 50


@pytest.mark.slow
@pytest.mark.parametrize("scales", [(1, 0.875, 0.75, 0.66), (1, 0.875, 0.75)])
def test_training_draws_every_crop_of_tsn_equally_often(scales: tuple[float, ...]) -> None:
    expected, draws = _tsn(256, 340, 224, scales), 10_000
    found: Counter[tuple[int, ...]] = Counter()
    for seed in range(draws):
        crop_ = TrainingCrop(seed, scales)
        assert len(crop_) == 1
        (box,) = crop_boxes(crop_, 256, 340, 224, video="v")
        found[box.top, box.left, box.height, box.width, box.flip] += 1
    assert set(found) == {(*box, flip) for box in expected for flip in (False, True)}
    for (*box, _), n in found.items():
        share = expected[tuple(box)] / expected.total() / 2
        assert abs(n - draws * share) < 5 * (draws * share) ** 0.5, box


def test_a_training_crop_is_decided_by_seed_and_video() -> None:
    def draw(seed: int, video: str, **options: bool) -> Box:
        return crop_boxes(TrainingCrop(seed, **options), 256, 340, 224, video=video)[0]

    assert draw(3, "a.mp4") == draw(3, "a.mp4")
    assert len({draw(seed, "a.mp4") for seed in range(40)}) > 20
    assert len({draw(3, f"{n}.mp4") for n in range(40)}) > 20
    for seed in range(20):  # without flips, the same crops
        assert draw(seed, "v", flip=False) == replace(draw(seed, "v"), flip=False)


def test_multiscale_crops_look_as_cut_by_pillow() -> None:
    images = _images(256, 340)
    boxes = crop_boxes(Views("multiscale", 20), 256, 340, 224, video="v")
    found = crop(images, boxes, 224)
    assert found.shape == (2, 21, 3, 224, 224)
    assert {box.height for box in boxes} >= {168, 192, 224, 256}  # up and down
    for n, image in enumerate(images):
        picture = Image.fromarray(image.permute(1, 2, 0).numpy())
        for box, view in zip(boxes, found[n], strict=True):
            expected = _pillow(picture, box, 224)
            difference = np.abs(view.permute(1, 2, 0).numpy().astype(int) - expected)
            assert difference.max() <= 2, box


def _pillow(picture: Image.Image, box: Box, size: int) -> np.ndarray:
    part = picture.crop((box.left, box.top, box.left + box.width, box.top + box.height))
    part = part.resize((size, size), Image.Resampling.BILINEAR)
    if box.flip:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(part).astype(int)
