"""Backbones: one registry; a spec holds everything needed to use its weights correctly."""

from ...cache.recipe import Preprocessing
from . import bninception, c3d, efficientnet, torchvision_2d, torchvision_3d  # noqa: F401  (they register their backbones)
from .registry import (
    MODALITIES,
    LoadedBackbone,
    get_spec,
    load_backbone,
    names,
    register,
    temporary_backbones,
)
from .spec import BackboneSpec, Weights

__all__ = [
    "MODALITIES",
    "BackboneSpec",
    "LoadedBackbone",
    "Preprocessing",
    "Weights",
    "get_spec",
    "load_backbone",
    "names",
    "register",
    "temporary_backbones",
]
