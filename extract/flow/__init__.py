"""TV-L1 optical flow, as OpenCV computes it."""

from .parameters import PRESETS, Parameters
from .tvl1 import ENGINES, tvl1

__all__ = ["ENGINES", "PRESETS", "Parameters", "tvl1"]
