"""Backbones: one registry; a spec holds all that a weight needs to be used rightly."""

from . import efficientnet, torchvision_2d  # noqa: F401  (they register their backbones)
from .registry import LoadedBackbone, get_spec, load_backbone, names
from .spec import BackboneSpec, Weights

__all__ = ["BackboneSpec", "LoadedBackbone", "Weights", "get_spec", "load_backbone", "names"]
