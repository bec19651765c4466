"""TV-L1 optical flow, as OpenCV computes it."""

from ...cache.recipe import FlowParameters
from .parameters import PRESETS, parse_parameters
from .tvl1 import ENGINES, tvl1, tvl1_pairs

__all__ = ["ENGINES", "PRESETS", "FlowParameters", "parse_parameters", "tvl1", "tvl1_pairs"]
