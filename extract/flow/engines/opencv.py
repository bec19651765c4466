"""TV-L1 by OpenCV (opencv-contrib): the reference, for cross-checking."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....cache.errors import InputError
from ....cache.recipe import FlowParameters


def flow(
    first: np.ndarray, second: np.ndarray, parameters: FlowParameters
) -> tuple[np.ndarray, int | None]:
    """See `cpu.flow` and `create`; OpenCV does not tell how many iterations it took."""
    return create(parameters).calc(first, second, None).transpose(2, 0, 1).copy(), None


def create(parameters: FlowParameters) -> Any:
    """OpenCV's own object.

    Raises:
        InputError: opencv-contrib is not installed, or of another convention.
    """
    try:
        from cv2 import __version__, optflow
    except ImportError:
        raise InputError(
            "the flow engine opencv needs opencv-contrib: pip install 'tcon[opencv]'"
        ) from None
    has = "opencv5" if int(__version__.split(".")[0]) >= 5 else "opencv4"
    if parameters.convention != has:
        raise InputError(
            f"the installed OpenCV {__version__} computes flow by the convention {has}, not "
            f"{parameters.convention}: take the flow engine cpu"
        )
    made: Any = optflow  # its stubs lack what contrib adds
    return made.DualTVL1OpticalFlow_create(
        tau=parameters.tau,
        lambda_=parameters.lambda_,
        theta=parameters.theta,
        nscales=parameters.scales,
        warps=parameters.warps,
        epsilon=parameters.epsilon,
        innnerIterations=parameters.inner,  # OpenCV's own spelling
        outerIterations=parameters.outer,
        scaleStep=parameters.scale_step,
        medianFiltering=parameters.median,
    )
