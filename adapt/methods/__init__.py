"""Adaptation methods, one file each; importing this package registers them."""

from . import (  # noqa: F401  (they register themselves)
    cdan,
    cmfglr,
    daaa,
    dan,
    dann,
    source_only,
    ta3n,
    target_only,
    tcon,
)
from .base import FittedMethod, Losses, Method, MethodConfig, SegmentVotes, Sizes, SourceBatch
from .registry import Entry, build, entry, names

__all__ = [
    "Entry",
    "FittedMethod",
    "Losses",
    "Method",
    "MethodConfig",
    "SegmentVotes",
    "Sizes",
    "SourceBatch",
    "build",
    "entry",
    "names",
]
