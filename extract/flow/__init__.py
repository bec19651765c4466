"""TV-L1 optical flow, as OpenCV computes it."""

from .parameters import Parameters
from .tvl1 import ENGINES, tvl1, tvl1_pairs

__all__ = ["ENGINES", "Parameters", "tvl1", "tvl1_pairs"]
