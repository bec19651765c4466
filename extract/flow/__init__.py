"""TV-L1 optical flow, as OpenCV computes it."""

from .parameters import PRESETS, Parameters
from .tvl1 import ENGINES, tvl1, tvl1_pairs

__all__ = ["ENGINES", "PRESETS", "Parameters", "tvl1", "tvl1_pairs"]
