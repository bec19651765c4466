"""Any classifier of torchvision: ``torchvision:convnext_tiny``, ``torchvision:vit_b_16.SWAG``.

The tag behind the dot names the weights (any part of their name that no others share); without one
they are torchvision's default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import nn
from torchvision import models
from torchvision.models import video

from ....cache.errors import InputError
from ....cache.recipe import Preprocessing
from ..download import weights_at
from ..spec import BackboneSpec
from .catalogue import require_model
from .modules import cut, feature_dim, first_convolution, last_linear, on_meta
from .name import ModelName

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic")


def model_names() -> list[str]:
    """torchvision's classifiers of images and clips."""
    return [*models.list_models(module=models), *models.list_models(module=video)]


def resolve(asked: ModelName) -> BackboneSpec:
    """The spec of a model of torchvision.

    Raises:
        InputError: no such model or weights, no linear classifier, or pooling is asked for.
    """
    model, _, tag = asked.model.partition(".")
    require_model("torchvision", model, model_names())
    if asked.pool or asked.revision or asked.frames:
        raise InputError(
            f"backbone {asked.text}: torchvision's models pool in one way, take one "
            "length of clips and have no revisions"
        )
    return spec_of(model, _weights(model, tag), name=asked.text, size=asked.size)


def spec_of(
    model: str,
    weights: models.WeightsEnum,
    *,
    name: str,
    size: int | None = None,
    layer: str = "before the classifier",
) -> BackboneSpec:
    """The spec of a model and weights of torchvision.

    Args:
        model: torchvision's name.
        weights: published ones.
        name: of the backbone.
        size: side of the input in pixels; None for that of the weights.
        layer: what the features are, for people.

    Raises:
        InputError: it has no linear classifier, or is not prepared as classifiers are.
    """
    preset = weights.transforms()
    preprocessing = _preprocessing(preset, size)
    # Vision transformers alone are built for one size.
    sizes = {"image_size": preprocessing.input_size} if model.startswith("vit_") else {}
    network = on_meta(partial(models.get_model, model, weights=None, **sizes), name=name)
    head = last_linear(network)
    if not head:
        raise InputError(f"{model} ends in no linear classifier: tcon cannot use it by this name")
    cut(network, head)
    clip = type(preset).__name__ == "VideoClassification"
    length = int(_stated(weights, "clip_len") or 16) if clip else 1
    return BackboneSpec(
        name=name,
        build=partial(_build, model, head, sizes),
        heads=(f"{head}.",),
        layer=layer,
        dim=feature_dim(network, preprocessing, length=length, name=name),
        weights=weights_at(
            weights.url,
            name="kinetics400" if clip else "imagenet",
            licence=weights.meta.get("license", "BSD-3-Clause"),
            classes=tuple(weights.meta["categories"]),
        ),
        preprocessing=preprocessing,
        snippet_length=length,
        clip_rate=_stated(weights, "frame_rate") if clip else None,
        first_conv="" if clip else first_convolution(network),
        batch_size=2 if clip else 8,
    )


def _build(model: str, head: str, sizes: dict[str, int]) -> nn.Module:
    network = models.get_model(model, weights=None, **sizes)
    cut(network, head)
    return network


def _weights(model: str, tag: str) -> models.WeightsEnum:
    published = models.get_model_weights(model)
    if not tag:
        return published.DEFAULT
    same = [each for each in published if each.name == tag]
    found = same or [each for each in published if tag in each.name]
    if len(found) != 1:
        names = ", ".join(each.name for each in published)
        raise InputError(f"torchvision has no weights {tag} of {model}: it has {names}")
    return found[0]


def _preprocessing(preset: Callable[..., Any], size: int | None) -> Preprocessing:
    """What a preset of torchvision does; with another ``size`` the crop keeps its share."""
    made: Any = preset
    [side] = set(made.crop_size)
    resize: int | tuple[int, int] = _size(made.resize_size)
    if size is not None:
        resize = (
            round(resize * size / side)
            if isinstance(resize, int)
            else (round(resize[0] * size / side), round(resize[1] * size / side))
        )
    mode = made.interpolation.value
    if mode not in _INTERPOLATIONS:
        raise InputError(f"its frames are scaled in a way that tcon does not have: {mode}")
    image = hasattr(made, "antialias")  # presets of clips scale tensors, without antialiasing
    return Preprocessing(
        resize=resize,
        input_size=size or side,
        interpolation=mode,
        antialias=image and bool(made.antialias),
        resizer="pillow" if image else "torch-float",
        mean=tuple(made.mean),
        std=tuple(made.std),
    )


def _size(given: Sequence[int]) -> int | tuple[int, int]:
    return given[0] if len(given) == 1 else (given[0], given[1])


def _stated(weights: models.WeightsEnum, name: str) -> float | None:
    """A number of the clips, which torchvision states in the text of the weights alone."""
    found = re.search(rf"{name}=([\d.]+)", weights.meta["_docs"])
    return float(found[1]) if found else None
