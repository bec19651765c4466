"""Backbones: one registry; a spec holds all that a weight needs to be used rightly."""

from . import efficientnet, torchvision_2d  # noqa: F401  (they register their backbones)
from .registry import LoadedBackbone, get_spec, load_backbone, names
from .spec import BackboneSpec, Preprocessing, Weights

__all__ = [
    "BackboneSpec",
    "LoadedBackbone",
    "Preprocessing",
    "Weights",
    "get_spec",
    "load_backbone",
    "names",
]
