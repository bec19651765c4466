"""What an image or video processor of transformers does to a frame, as a `Preprocessing`."""

from __future__ import annotations

from typing import Any

from ....cache.errors import InputError
from ....cache.recipe import Interpolation, Preprocessing

_RESAMPLING: dict[int, Interpolation] = {0: "nearest", 2: "bilinear", 3: "bicubic"}  # Pillow's
_SQUASHED_FROM = 384  # pixels: larger inputs of ConvNeXt are not cropped


def preprocessing_of(processor: Any, *, size: int | None, name: str) -> Preprocessing:
    """Read a processor's settings.

    Args:
        processor: an image or video processor of transformers.
        size: side of the input in pixels, with which the resize keeps its ratio to the crop; None
            for the processor's.
        name: of the backbone, for the message.

    Raises:
        InputError: it prepares frames in a way that tcon does not have.
    """
    made = processor.to_dict()
    resize, crop = _sizes(made, name)
    if size is not None:
        resize, crop = _scaled(resize, size / crop), size
    factor = made["rescale_factor"] if made.get("do_rescale") else 1.0
    normalised = made.get("do_normalize")
    mean = tuple(made["image_mean"]) if normalised else (0.0, 0.0, 0.0)
    if made.get("do_rescale") and made.get("offset"):  # the range is shifted by one before the mean
        mean = tuple(value + 1 for value in mean)
    return Preprocessing(
        resize=resize,
        input_size=crop,
        interpolation=_interpolation(made, name),
        mean=mean,
        std=tuple(made["image_std"]) if normalised else (1.0, 1.0, 1.0),
        value_range=255 * factor,
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
    raise InputError(
        f"the processor of {name} does not scale and cut frames to one square size: tcon cannot "
        "prepare them as it does"
    )


def _sides(size: dict[str, int]) -> tuple[int, int]:
    return size.get("height") or 0, size.get("width") or 0


def _scaled(resize: int | tuple[int, int], ratio: float) -> int | tuple[int, int]:
    if isinstance(resize, int):
        return round(resize * ratio)
    return round(resize[0] * ratio), round(resize[1] * ratio)


def _interpolation(made: dict[str, Any], name: str) -> Interpolation:
    resample = int(made["resample"])
    if resample not in _RESAMPLING:
        raise InputError(f"{name} scales frames by Pillow's filter {resample}: tcon has no such")
    return _RESAMPLING[resample]
