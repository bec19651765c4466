"""Maximum mean discrepancy between two samples."""

from __future__ import annotations

import torch
from torch import Tensor

from .precision import full_precision


@full_precision
def mk_mmd(source: Tensor, target: Tensor, *, kernels: int = 5, factor: float = 2.0) -> Tensor:
    """Squared multi-kernel maximum mean discrepancy (Long et al. 2015, as in TA3N's code).

    ``mean k(s, s') + mean k(t, t') - 2 mean k(s, t)``, where ``k(x, y)`` sums the Gaussian kernels
    ``exp(-|x - y|^2 / (b factor^u))`` over ``kernels`` whole numbers u around 0, and b is the mean
    squared distance between any two different rows. The first two means include each row with
    itself, so the value is never negative, and of equal distributions it falls as 1 / rows.

    Args:
        source: [Ns, D].
        target: [Nt, D].

    Returns:
        a scalar; its gradient takes b for constant.
    """
    rows, n = torch.cat([source, target]), len(source)
    distances = _squared_distances(rows)  # [Ns + Nt, Ns + Nt]
    pairs = len(rows) * (len(rows) - 1)
    middle = distances.detach().sum() / pairs
    # Rows that are all equal differ by rounding alone, which must not become the bandwidth.
    limits = torch.finfo(rows.dtype)
    rounding = limits.eps * rows.detach().square().sum(1).mean() + limits.tiny
    middle = middle.clamp(min=rounding)
    exponents = range(-(kernels // 2), kernels - kernels // 2)
    k = torch.zeros_like(distances)
    for u in exponents:
        k = k + torch.exp(-distances / (middle * factor**u))
    return k[:n, :n].mean() + k[n:, n:].mean() - 2 * k[:n, n:].mean()


def _squared_distances(x: Tensor) -> Tensor:
    """[N, D] to [N, N]; without [N, N, D] in memory."""
    x = x - x.mean(0)  # changes no distance, but keeps the difference below precise
    gram = x @ x.T
    squares = gram.diagonal()
    return (squares[:, None] + squares[None, :] - 2 * gram).clamp(min=0)
