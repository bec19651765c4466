"""How rates and weights change with progress p, the share of the run that is done, in [0, 1]."""

from __future__ import annotations

import math

from torch import Tensor

Number = float | Tensor  # of no dimension: a recorded program reads it anew at every step


def dann_ramp(progress: Number, steepness: float = 10.0) -> Number:
    """Grow from 0 to 1: ``2 / (1 + exp(-steepness p)) - 1`` (Ganin and Lempitsky 2015)."""
    exponent = -steepness * progress
    grown = exponent.exp() if isinstance(exponent, Tensor) else math.exp(exponent)
    return 2 / (1 + grown) - 1


def step_decay(progress: float, *, factor: float = 0.1, drops: int = 2) -> float:
    """Multiply by ``factor`` at each of ``drops`` evenly spaced moments.

    The paper divides the rate by 10 every 30 epochs; of 90 epochs that is at 1/3 and 2/3.
    """
    return factor ** min(drops, int(progress * (drops + 1) + 1e-9))
