"""Any image model of timm: ``timm:vit_small_patch14_dinov2.lvd142m``.

Features are what the model's classifier is given, or pooled as asked.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ....cache.errors import InputError, shorten, unknown
from ....cache.recipe import Preprocessing
from ..checkpoint import read_state
from ..spec import BackboneSpec, Weights
from .catalogue import require_model
from .hub import hub_file, is_cached
from .modules import feature_dim, first_convolution, on_meta
from .name import ModelName, Pool
from .packages import require

_WEIGHTS_FILE = "model.safetensors"  # of timm's repositories


class TimmBackbone(nn.Module):
    """A model of timm without its classifier: images [n, 3, S, S] to features [n, D].

    Args:
        network: made with ``num_classes=0``.
        pool: "token" or "mean" of the last feature map; None for the model's own.
    """

    def __init__(self, network: nn.Module, pool: Pool | None) -> None:
        super().__init__()
        self.network, self.pool = network, pool

    def forward(self, images: Tensor) -> Tensor:
        network: Any = self.network
        if self.pool is None:
            return network(images)  # [n, D]
        maps = network.forward_features(images)  # [n, T, D], or a map of some layout
        if maps.ndim == 4:
            axes = (1, 2) if getattr(network, "output_fmt", "NCHW") == "NHWC" else (2, 3)
            return maps.mean(axes)  # [n, D]
        if self.pool == "token":
            return maps[:, 0]  # [n, D]
        return maps[:, network.num_prefix_tokens :].mean(1)  # [n, D]


def resolve(asked: ModelName) -> BackboneSpec:
    """The spec of a model of timm.

    Raises:
        InputError: timm is not installed, has no such model or weights, the model has no class
            token to take, or is not prepared as tcon can.
    """
    timm = require("timm", extra="timm", name=asked.text)
    model, _, tag = asked.model.partition(".")
    require_model("timm", model, timm.list_models())
    if tag and asked.model not in (known := timm.list_pretrained(f"{model}.*")):
        raise unknown(f"weights of timm's {model}", tag, [k.partition(".")[2] for k in known])
    if asked.frames:
        raise InputError(f"backbone {asked.text}: timm's models take images: leave out frames=")
    if asked.pool == "projected":
        raise InputError(f"backbone {asked.text}: timm's models are pooled by token or mean")
    config = timm.models.get_pretrained_cfg(asked.model)
    preprocessing = _preprocessing(asked, config)
    build = partial(_build, asked.model, asked.pool, _image_size(asked, config))
    module = on_meta(build, name=asked.text)
    whole = on_meta(partial(timm.create_model, asked.model), name=asked.text)
    _check_token(asked, module)
    heads, unused = _beyond(whole, module, () if asked.pool else _classifiers(config))
    return BackboneSpec(
        name=asked.text,
        build=build,
        read=_read,
        heads=heads,
        unused=unused,
        layer=_LAYERS[asked.pool],
        dim=feature_dim(module, preprocessing, length=1, name=asked.text),
        weights=_weights(asked, config),
        preprocessing=preprocessing,
        first_conv=first_convolution(module),
    )


_LAYERS = {None: "before the classifier", "token": "class token", "mean": "mean of the patches"}


def _build(model: str, pool: Pool | None, image_size: dict[str, Any]) -> TimmBackbone:
    import timm

    return TimmBackbone(timm.create_model(model, num_classes=0, **image_size), pool)


def _read(path: Path, module: nn.Module) -> dict[str, Tensor]:
    """A state dict under the names of `TimmBackbone`, by timm's own conversion, which knows the
    publishers' files and resamples position embeddings for other sizes."""
    assert isinstance(module, TimmBackbone)
    state = read_state(path)
    convert = getattr(sys.modules[type(module.network).__module__], "checkpoint_filter_fn", None)
    if convert is not None:
        try:
            state = convert(state, module.network)
        except Exception as error:  # whatever timm raises of another model's file
            reason = shorten(" ".join(str(error).split()))
            raise InputError(
                f"{path} is not of this model ({type(error).__name__}: {reason})"
            ) from None
    return {f"network.{key}": value for key, value in state.items()}


def _image_size(asked: ModelName, config: Any) -> dict[str, Any]:
    """For models that are made for one size; the others take any."""
    return {"img_size": asked.size} if asked.size and config.fixed_input_size else {}


def _preprocessing(asked: ModelName, config: Any) -> Preprocessing:
    from timm.data import resolve_data_config

    made = resolve_data_config(pretrained_cfg=config.to_dict())
    channels, height, width = made["input_size"]
    if channels != 3 or height != width or made["crop_mode"] == "border":
        raise InputError(
            f"the backbone {asked.text} takes {channels} x {height} x {width} pixels, crop mode "
            f"{made['crop_mode']}: tcon has square RGB images, cut from the centre or squashed"
        )
    size = asked.size or height
    scaled = int(size / made["crop_pct"])
    return Preprocessing(
        resize=(scaled, scaled) if made["crop_mode"] == "squash" else scaled,
        input_size=size,
        interpolation=made["interpolation"],
        resizer="pillow",
        mean=tuple(made["mean"]),
        std=tuple(made["std"]),
    )


def _check_token(asked: ModelName, module: TimmBackbone) -> None:
    if asked.pool == "token" and not getattr(module.network, "num_prefix_tokens", 0):
        raise InputError(f"the model of {asked.text} has no class token: leave out pool=token")


def _classifiers(config: Any) -> tuple[str, ...]:
    names = config.classifier or ()
    names = (names,) if isinstance(names, str) else names
    return tuple(f"network.{name}." for name in names)


def _beyond(
    whole: nn.Module, module: TimmBackbone, classifiers: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys of the classifier alone, and else those of all that a model has beyond its features:
    some have a norm or a hidden layer there."""
    keys = {f"network.{key}" for key in whole.state_dict()} - set(module.state_dict())
    linear = all(key.startswith(classifiers) for key in keys)
    return (tuple(sorted(keys)), ()) if linear else ((), tuple(sorted(keys)))


def _weights(asked: ModelName, config: Any) -> Weights | None:
    repository = config.hf_hub_id
    if not repository:
        return None

    def fetch() -> Path:
        return hub_file(repository, _WEIGHTS_FILE, revision=asked.revision)

    return Weights(
        name=config.tag or asked.model,
        source=f"the hub's {repository}",
        sha256="",
        licence=config.license or "not stated",
        fetch=fetch,
        revision=asked.revision,
        classes=_class_names(config),
        at_hand=lambda: is_cached(repository, _WEIGHTS_FILE, revision=asked.revision),
    )


def _class_names(config: Any) -> tuple[str, ...]:
    """Those of ImageNet's classes that the weights tell apart; () for other classes."""
    from timm.data import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset(config)
    return tuple(ImageNetInfo(subset).label_descriptions()) if subset else ()
