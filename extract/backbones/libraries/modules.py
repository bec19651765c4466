"""What is asked of a library's module, whatever the library."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from ....cache.errors import InputError, shorten
from ....cache.recipe import Preprocessing

Built = TypeVar("Built", bound=nn.Module)


def last_linear(module: nn.Module) -> str:
    """The name of the last linear layer, which is the classifier; "" where there is none."""
    found = [name for name, layer in module.named_modules() if isinstance(layer, nn.Linear)]
    return found[-1] if found else ""


def cut(module: nn.Module, layer: str) -> None:
    """Put the identity in the place of a layer: the module gives what the layer was given."""
    module.set_submodule(layer, nn.Identity())


def first_convolution(module: nn.Module) -> str:
    """The name of the convolution that looks at the pixels; "" where there is none."""
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            return name if layer.in_channels == 3 and layer.groups == 1 else ""
    return ""


def on_meta(build: Callable[[], Built], *, name: str) -> Built:
    """A module in eval mode on the device ``meta``, for its names and shapes alone.

    Args:
        build: builds it; on the CPU where it computes its widths by tensors, as RegNet does.
        name: of the backbone, for the message.

    Raises:
        InputError: whatever its library raises, in one line.
    """
    try:
        try:
            with torch.device("meta"):
                return build().eval()
        except NotImplementedError:
            return build().eval().to("meta")
    except Exception as error:
        reason = shorten(" ".join(str(error).split()))
        raise InputError(
            f"the backbone {name} cannot be built ({type(error).__name__}: {reason})"
        ) from None


def feature_dim(module: nn.Module, preprocessing: Preprocessing, *, length: int, name: str) -> int:
    """How many dimensions a module on the device ``meta`` gives; nothing is computed.

    Args:
        module: on ``meta``.
        preprocessing: of its input.
        length: frames of a clip; 1 for images.
        name: of the backbone, for the message.

    Raises:
        InputError: it does not take such input, or gives something else than [1, D].
    """
    size = preprocessing.input_size
    clip = () if length == 1 else (length,)
    try:
        with torch.device("meta"), torch.inference_mode():
            features = module(torch.zeros(1, 3, *clip, size, size))  # [1, D]
    except Exception as error:  # whatever a library raises
        reason = shorten(" ".join(str(error).split()))
        raise InputError(
            f"the backbone {name} does not take {size} x {size} pixels "
            f"({type(error).__name__}: {reason})"
        ) from None
    if not isinstance(features, torch.Tensor) or features.ndim != 2:
        raise InputError(
            f"the backbone {name} gives no features [1, D]: tcon cannot use this model"
        )
    return features.shape[1]
