"""How CDAN joins features and predictions for its discriminator (Long et al. 2018)."""

from __future__ import annotations

import math

from torch import Tensor


def multilinear_map(f: Tensor, g: Tensor) -> Tensor:
    """Outer product of features [..., D] and class probabilities [..., C]: [..., D C]."""
    return (f[..., :, None] * g.to(f.dtype)[..., None, :]).flatten(-2)


def randomised_multilinear_map(f: Tensor, g: Tensor, random_f: Tensor, random_g: Tensor) -> Tensor:
    """A map to fewer dimensions whose inner products are in expectation `multilinear_map`'s.

    ``(f random_f) * (g random_g) / sqrt(R)``.

    Args:
        f: features, [..., D].
        g: class probabilities, [..., C].
        random_f, random_g: fixed standard normal numbers, [D, R] and [C, R].

    Returns:
        [..., R].
    """
    return (f @ random_f) * (g @ random_g) / math.sqrt(random_f.shape[1])
