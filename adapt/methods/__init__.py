"""Adaptation methods, one file each; importing this package registers them."""

from . import source_only, target_only, tcon  # noqa: F401  (they register themselves)
from .base import FittedMethod, Losses, Method, MethodConfig, Sizes, SourceBatch
from .registry import Entry, build, entry, names

__all__ = [
    "Entry",
    "FittedMethod",
    "Losses",
    "Method",
    "MethodConfig",
    "Sizes",
    "SourceBatch",
    "build",
    "entry",
    "names",
]
