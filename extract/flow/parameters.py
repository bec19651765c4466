"""The parameters of TV-L1, named and defaulted as OpenCV does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Of the duality-based TV-L1 (Zach et al. 2007; Sanchez Perez et al., IPOL 2013).

    Args:
        tau: time step of the dual update.
        lambda_: weight of the data term.
        theta: tightness between the flow and its auxiliary.
        scales: levels of the pyramid, fewer where a side would fall below 16 pixels.
        warps: warps on each level.
        epsilon: an iteration that changes the flow by less than this, in pixels (root mean
            square), is the last of its warp.
        inner, outer: most iterations of a warp are their product.
        scale_step: ratio of the sides of neighbouring levels.
        median: side of the median filter at the start of each outer iteration: 5, or 1 for none.

    Raises:
        ValueError: another median.
    """

    tau: float = 0.25
    lambda_: float = 0.15
    theta: float = 0.3
    scales: int = 5
    warps: int = 5
    epsilon: float = 0.01
    inner: int = 30
    outer: int = 10
    scale_step: float = 0.8
    median: int = 5

    def __post_init__(self) -> None:
        if self.median not in (1, 5):
            raise ValueError(f"the median's side is 5, or 1 for none, not {self.median}")
