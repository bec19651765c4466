"""Models that a library names, ``LIBRARY:MODEL``, as backbones; each library is one file.

What a model's weights need (sizes, crop, interpolation, normalisation, frames) is read from the
library's own configuration of them.
"""

from __future__ import annotations

from functools import lru_cache

from ..spec import BackboneSpec
from . import huggingface, timm, torchvision
from .name import ModelName

_RESOLVE = {
    "hf": huggingface.resolve,
    "timm": timm.resolve,
    "torchvision": torchvision.resolve,
}


@lru_cache(maxsize=8)  # a configuration may be read from a hub
def resolve(name: str) -> BackboneSpec:
    """The spec of ``LIBRARY:MODEL``, with options behind commas, see `ModelName`.

    Raises:
        InputError: no such library or model, a library that is not installed, a configuration
            that is not at hand, or one that tcon cannot follow.
    """
    asked = ModelName.parse(name)
    return _RESOLVE[asked.library](asked)
