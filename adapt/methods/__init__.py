"""Adaptation methods, one file each; importing this package registers them.

A method of your own needs no change here: ``from tcon.adapt.methods import Method, MethodConfig,
register``, and name its file by ``--plugin`` (docs/add-a-method.md).
"""

from ...cache.common.plugins import load_entry_points
from ..layers.precision import full_precision
from . import (  # noqa: F401  (they register themselves)
    cdan,
    cmfglr,
    coral,
    daaa,
    dan,
    dann,
    ema,
    im,
    mcc,
    source_only,
    ta3n,
    target_only,
    tcon,
)
from .alignment import AdversarialConfig, Alignment, AlignmentConfig
from .base import (
    Draws,
    FittedMethod,
    Losses,
    Method,
    MethodConfig,
    SegmentVotes,
    Sizes,
    SourceBatch,
    State,
)
from .registry import (
    Entry,
    build,
    entry,
    is_built_in,
    known_elsewhere,
    names,
    protect_built_in,
    register,
    temporary_methods,
)

__all__ = [
    "AdversarialConfig",
    "Alignment",
    "AlignmentConfig",
    "Draws",
    "Entry",
    "FittedMethod",
    "Losses",
    "Method",
    "MethodConfig",
    "SegmentVotes",
    "Sizes",
    "SourceBatch",
    "State",
    "build",
    "entry",
    "is_built_in",
    "full_precision",
    "known_elsewhere",
    "names",
    "register",
    "temporary_methods",
]

protect_built_in()
load_entry_points("tcon.methods")  # of other packages, which import the names above
