"""Distance of the second-order statistics of two samples."""

from __future__ import annotations

from torch import Tensor

from .precision import full_precision


@full_precision
def coral_distance(source: Tensor, target: Tensor) -> Tensor:
    """``|C_s - C_t|_F^2 / (4 D^2)`` of the unbiased covariances (Sun and Saenko 2016, equation 1).

    Args:
        source: [Ns, D].
        target: [Nt, D].

    Returns:
        a scalar; a sample of one row has a covariance of zeros.
    """
    difference = _covariance(source) - _covariance(target)  # [D, D]
    return difference.square().mean() / 4


def _covariance(x: Tensor) -> Tensor:
    """[N, D] to [D, D]."""
    centred = x - x.mean(0)
    return centred.T @ centred / max(len(x) - 1, 1)
