"""TV-L1 optical flow, as OpenCV computes it."""

from .parameters import Parameters
from .tvl1 import ENGINES, tvl1

__all__ = ["ENGINES", "Parameters", "tvl1"]
