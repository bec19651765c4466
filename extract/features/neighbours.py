"""Whether features of a video change slowly, as videos do: a check that needs no classifier."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Neighbours:
    """How often a snippet's nearest snippet is the one before or after it.

    Args:
        found: snippets for which it is.
        snippets: all of them, n.
        chance: how many it would be if features were random, on average.
    """

    found: int
    snippets: int
    chance: float


def neighbours(features: Tensor) -> Neighbours:
    """Compare the snippets of a video, features [n, D] in order, by their cosine."""
    n = len(features)
    unit = torch.nn.functional.normalize(features.float(), dim=1)
    likeness = (unit @ unit.T).fill_diagonal_(-torch.inf)  # [n, n]
    nearest = likeness.argmax(1)  # [n]
    found = int(((nearest - torch.arange(n)).abs() == 1).sum())
    # The first and the last snippet have one neighbour, the others two.
    return Neighbours(found, n, 2.0 if n > 1 else 0.0)
