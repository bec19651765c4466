"""Target only: train on the target's labelled videos. An upper bound, not an adaptation.

The one method that sees target labels; `tcon adapt` runs it under ``--oracle`` alone.
"""

from __future__ import annotations

from .registry import entry, register
from .source_only import SourceOnly

_SOURCE_ONLY = entry("source_only")


@register("target_only", _SOURCE_ONLY.config, presets=_SOURCE_ONLY.presets)
class TargetOnly(SourceOnly):
    """What adaptation could reach at best with the same networks."""

    reads_target_labels = True
