"""The parameters of TV-L1, named and defaulted as OpenCV does, and presets of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from torch import Tensor

from ...cache.errors import InputError, unknown

CONVENTIONS = ("opencv5", "opencv4", "opencv_cuda")


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
        budget: iterations over the whole image that a pair may take (one on a level of half as
            many pixels counts a half); after them each warp takes one outer iteration, on the
            CPU of at most 30. See `bounds`.
        convention: what OpenCV's versions do differently. ``opencv5`` warps to exact points,
            ``opencv4`` (all 3.x and 4.x) to multiples of 1/32 pixel, both bicubic with A = -0.75
            and zeros outside of the image. ``opencv_cuda`` is cv::cuda::OpticalFlowDual_TVL1:
            exact points, A = -0.5, the border repeated, corners instead of centres of pixels
            aligned between levels, and not every iteration's change looked at.

    Raises:
        ValueError: another median, or a value without a meaning.
        InputError: no such convention.
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
    budget: int = 2500
    convention: str = "opencv5"

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name not in ("epsilon", "convention") and not 0 < value < math.inf:
                raise ValueError(f"{name} must be above 0, not {value}")
        if not 0 <= self.epsilon < math.inf:
            raise ValueError(f"epsilon must be at least 0, not {self.epsilon}")
        if self.scale_step >= 1:
            raise ValueError(f"scale_step must be below 1, not {self.scale_step}")
        if self.median not in (1, 5):
            raise ValueError(f"the median's side is 5, or 1 for none, not {self.median}")
        if self.convention not in CONVENTIONS:
            raise unknown("flow convention", self.convention, CONVENTIONS)

    def bounds(self, spent: int | Tensor, pixels: int) -> bool | Tensor:
        """Whether a pair of so many pixels that spent so many pixel iterations met the budget."""
        return spent >= self.budget * pixels

    def __str__(self) -> str:
        """A preset's name, or what differs from the default: ``epsilon=0.02,warps=3``."""
        for name, preset in PRESETS.items():
            if self == preset:
                return name
        changed = (f.name for f in fields(self) if getattr(self, f.name) != f.default)
        return ",".join(f"{name}={getattr(self, name)}" for name in changed)

    @classmethod
    def parse(cls, text: str) -> Parameters:
        """What ``str`` wrote: a preset's name or ``field=value,...``.

        Raises:
            InputError: no such preset or field, or not a value of it.
        """
        if text in PRESETS:
            return PRESETS[text]
        if "=" not in text:
            raise unknown("flow preset", text, PRESETS)
        types = {f.name: type(f.default) for f in fields(cls)}
        values = {}
        for part in text.split(","):
            name, _, value = part.partition("=")
            if name not in types:
                raise unknown("flow parameter", name, types)
            try:
                values[name] = types[name](value)
            except ValueError:
                raise InputError(f"flow parameter {name}: {value!r} is no number") from None
        try:
            return cls(**values)
        except ValueError as error:
            raise InputError(f"flow parameters {text}: {error}") from None


PRESETS: Mapping[str, Parameters] = MappingProxyType(
    {
        "opencv": Parameters(),
        "opencv4": Parameters(convention="opencv4"),
        "opencv_cuda": Parameters(convention="opencv_cuda", inner=300, outer=1, median=1),
        "fast": Parameters(scales=3, scale_step=0.5, warps=3),
    }
)
