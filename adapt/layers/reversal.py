"""Gradient reversal (Ganin and Lempitsky 2015)."""

from __future__ import annotations

from torch import Tensor


def reverse_gradient(x: Tensor, lam: float | Tensor) -> Tensor:
    """The identity whose gradient is multiplied by ``-lam``.

    Written without a custom autograd function, so that it also works under `torch.func`; what is
    added is 0, so that no type rounds it.
    """
    same = x.detach()
    return same + lam * (same - x)
