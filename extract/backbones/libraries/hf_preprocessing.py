"""What an image or video processor of transformers does to a frame, as a `Preprocessing`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ....cache.errors import InputError, shorten
from ....cache.recipe import Interpolation, Preprocessing, Views
from ...snippets.transforms import normalise, resize
from ...snippets.views import crop, crop_boxes

_RESAMPLING: dict[int, Interpolation] = {2: "bilinear", 3: "bicubic"}  # Pillow's
_SQUASHED_FROM = 384  # pixels: larger inputs of ConvNeXt are not cropped
_TOLERANCE = 1.0  # mean difference of pixels, of levels 0 to 255: rounding makes 0.5 at most


def preprocessing_of(
    processor: Any, *, size: int | None, name: str, clip: bool = False
) -> Preprocessing:
    """Read a processor's settings, and see on an image of noise that nothing else is done to it.

    Args:
        processor: an image or video processor of transformers.
        size: side of the input in pixels, with which the resize keeps its ratio to the crop; None
            for the processor's.
        name: of the backbone, for the message.
        clip: whether it prepares clips.

    Raises:
        InputError: it prepares frames in a way that tcon does not have.
    """
    try:
        made = _stated(processor.to_dict(), name)
    except (KeyError, TypeError) as error:
        raise _otherwise(name, f"its configuration: {type(error).__name__}: {error}") from None
    _require_same(processor, made, name=name, clip=clip)
    if size is None:
        return made
    return replace(made, resize=_scaled(made.resize, size / made.input_size), input_size=size)


def _stated(made: dict[str, Any], name: str) -> Preprocessing:
    """What a processor's settings say."""
    resize, side = _sizes(made, name)
    factor = made["rescale_factor"] if made.get("do_rescale") else 1.0
    normalised = made.get("do_normalize")
    mean = _channels(made["image_mean"]) if normalised else (0.0, 0.0, 0.0)
    if made.get("do_rescale") and made.get("offset"):  # the range is shifted by one before the mean
        mean = tuple(value + 1 for value in mean)
    return Preprocessing(
        resize=resize,
        input_size=side,
        interpolation=_interpolation(made, name),
        mean=mean,
        std=_channels(made["image_std"]) if normalised else (1.0, 1.0, 1.0),
        channel_order="BGR" if made.get("do_flip_channel_order") else "RGB",
        value_range=255 * factor,
    )


def _channels(value: float | list[float]) -> tuple[float, ...]:
    return (value,) * 3 if isinstance(value, float) else tuple(value)


def _require_same(processor: Any, made: Preprocessing, *, name: str, clip: bool) -> None:
    side = made.input_size
    shape = (3 * side // 2, 3 * side, 3)
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    try:
        given = processor([[noise]] if clip else noise, return_tensors="pt")
        [theirs] = [value for key, value in given.items() if key.startswith("pixel_values")]
        theirs = theirs.reshape(-1, 3, side, side)[:1]
    except Exception as error:  # whatever transformers raises
        reason = shorten(" ".join(str(error).split()))
        raise _otherwise(name, f"{type(error).__name__}: {reason}") from None
    ours = normalise(_central(torch.from_numpy(noise).permute(2, 0, 1)[None], made), made)
    levels = torch.tensor(made.std).view(3, 1, 1) * 255 / made.value_range
    apart = float(((ours - theirs) * levels).abs().mean())
    if not apart < _TOLERANCE:
        raise _otherwise(name, f"its pixels are {apart:.3g} of 255 levels apart on average")


def _central(images: Tensor, made: Preprocessing) -> Tensor:
    resized = resize(images, made)  # [1, 3, h, w]
    height, width = resized.shape[-2:]
    boxes = crop_boxes(Views(), height, width, made.input_size, video="")
    return crop(resized, boxes, made.input_size)[:, 0]  # [1, 3, S, S]


def _otherwise(name: str, reason: str) -> InputError:
    return InputError(
        f"the processor of {name} prepares frames in a way that tcon does not have ({reason})"
    )


def _sizes(made: dict[str, Any], name: str) -> tuple[int | tuple[int, int], int]:
    """What frames are scaled to, and the side of the crop."""
    scaled, cropped = made.get("size") or {}, made.get("crop_size") or {}
    short: int = scaled.get("shortest_edge") or 0
    height, width = _sides(scaled)
    if made.get("crop_pct") and short:
        if short < _SQUASHED_FROM:
            return int(short / made["crop_pct"]), short
        return (short, short), short
    sides = _sides(cropped) if made.get("do_center_crop") else (height, width)
    if made.get("do_resize") and sides[0] and sides[0] == sides[1] and (short or height and width):
        return short or (height, width), sides[0]
    raise _otherwise(name, "it does not scale and cut them to one square size")


def _sides(size: dict[str, int]) -> tuple[int, int]:
    return size.get("height") or 0, size.get("width") or 0


def _scaled(resize: int | tuple[int, int], ratio: float) -> int | tuple[int, int]:
    if isinstance(resize, int):
        return round(resize * ratio)
    return round(resize[0] * ratio), round(resize[1] * ratio)


def _interpolation(made: dict[str, Any], name: str) -> Interpolation:
    resample = int(made["resample"])
    if resample not in _RESAMPLING:
        raise _otherwise(name, f"it scales them by Pillow's filter {resample}")
    return _RESAMPLING[resample]
