"""Views of a frame: the centre crop, the flips and crops that keep augmentation in a cache, and the
one crop that a step of end-to-end training sees.

All frames of a video are cropped and flipped alike.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ...cache.common.records import from_data
from ...cache.errors import InputError
from ...cache.recipe import Interpolation, Views
from .transforms import interpolate

# Sides of a training crop, as parts of the short side (TSN).
RGB_SCALES = (1, 0.875, 0.75, 0.66)
FLOW_SCALES = (1, 0.875, 0.75)
_SNAP = 3  # sizes closer than this to the input's are the input's (TSN)
# TSN's 13 places of a crop, in quarters of the room that it has: (down, right).
_PLACES = (
    *((0, 0), (0, 4), (4, 0), (4, 4), (2, 2)),
    *((2, 0), (2, 4), (4, 2), (0, 2), (1, 1), (1, 3), (3, 1), (3, 3)),
)


@dataclass(frozen=True)
class Box:
    """A crop of an image, in pixels, and whether it is mirrored."""

    top: int
    left: int
    height: int
    width: int
    flip: bool = False


@dataclass(frozen=True)
class TrainingCrop:
    """One of TSN's training crops, drawn anew for each seed and video.

    Args:
        seed: decides the crop, together with the video's id.
        scales: `RGB_SCALES` or `FLOW_SCALES`.
        flip: mirror half of the draws; the crops are the same without.
    """

    seed: int
    scales: tuple[float, ...] = RGB_SCALES
    flip: bool = True

    def __len__(self) -> int:
        return 1


def parse_views(text: str) -> Views:
    """Read ``centre``, ``flip``, ``tencrop`` or ``multiscale:N``.

    Raises:
        InputError: anything else.
    """
    match = re.fullmatch(r"(centre|flip|tencrop)|multiscale:([1-9]\d*)", text)
    if match is None:
        raise InputError(f"views '{text}': it is centre, flip, tencrop or multiscale:N, N from 1")
    return from_data(Views, {"kind": match[1] or "multiscale", "draws": match[2] or 0})


def crop_boxes(
    views: Views | TrainingCrop, height: int, width: int, size: int, *, video: str
) -> list[Box]:
    """The crops of a resized frame, one for each view.

    Args:
        views: which.
        height, width: of the frame.
        size: of the backbone's input.
        video: its id decides what is drawn at random, so that a second extraction draws alike.
    """
    if isinstance(views, TrainingCrop):
        rng = _rng(f"{views.seed}\0{video}")
        box = _draw(height, width, size, rng, views.scales)
        return [box if views.flip else replace(box, flip=False)]
    centre = Box(round((height - size) / 2), round((width - size) / 2), size, size)
    if views.kind == "multiscale":
        rng = _rng(video)
        drawn = (_draw(height, width, size, rng, RGB_SCALES) for _ in range(views.draws))
        return [centre, *drawn]
    boxes = [centre]
    if views.kind == "tencrop":
        tops, lefts = (0, height - size), (0, width - size)
        boxes += [Box(top, left, size, size) for top in tops for left in lefts]
    if views.kind in ("flip", "tencrop"):
        boxes += [Box(b.top, b.left, b.height, b.width, flip=True) for b in boxes]
    return boxes


def crop(
    images: Tensor,
    boxes: list[Box],
    size: int,
    *,
    mode: Interpolation = "bilinear",
    flow: bool = False,
) -> Tensor:
    """Cut the views out of resized frames or flow fields.

    Args:
        images: [n, C, H, W]; uint8, or levels of flow as float.
        boxes: V of them.
        size: side of the results.
        mode: of scaling crops of other sizes.
        flow: the channels are x and y motion in levels: a mirrored x is inverted.

    Returns:
        [n, V, C, size, size] of the same type.
    """
    views = []
    for box in boxes:
        view = images[..., box.top : box.top + box.height, box.left : box.left + box.width]
        view = interpolate(view, (size, size), mode=mode, antialias=True)
        if box.flip:
            view = view.flip(-1)
            if flow:
                view[:, 0] = 255 - view[:, 0]
        views.append(view)
    return torch.stack(views, 1)


def _rng(text: str) -> np.random.Generator:
    seed = hashlib.sha256(text.encode()).digest()[:8]
    return np.random.default_rng(int.from_bytes(seed, "big"))


def _draw(
    height: int, width: int, size: int, rng: np.random.Generator, scales: tuple[float, ...]
) -> Box:
    """TSN's multi-scale corner crop: a size, a place and a flip at random."""
    sides = [int(min(height, width) * scale) for scale in scales]
    sides = [size if abs(side - size) < _SNAP else side for side in sides]
    pairs = [(h, w) for i, h in enumerate(sides) for j, w in enumerate(sides) if abs(i - j) <= 1]
    box = _place(height, width, *pairs[rng.integers(len(pairs))], _PLACES[rng.integers(13)])
    return Box(box.top, box.left, box.height, box.width, flip=bool(rng.integers(2)))


def _place(height: int, width: int, h: int, w: int, place: tuple[int, int]) -> Box:
    return Box((height - h) // 4 * place[0], (width - w) // 4 * place[1], h, w)
