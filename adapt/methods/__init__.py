"""Adaptation methods, one file each; importing this package registers them."""

from . import source_only, tcon  # noqa: F401  (they register themselves)
from .base import Losses, Method, MethodConfig, Sizes, SourceBatch
from .registry import build, default_config, names

__all__ = [
    "Losses",
    "Method",
    "MethodConfig",
    "Sizes",
    "SourceBatch",
    "build",
    "default_config",
    "names",
]
