"""The weights of CMFGLR's objective, which is in `matrix_factorisation`."""

from __future__ import annotations

from dataclasses import dataclass

from ....cache.common.ranges import NonNegative, Positive


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of the objective's terms.

    Args:
        alpha: of the reconstruction of the features.
        mu: of the projections of the features.
        beta: of the classifier.
        lambda_: of the graph.
        gamma: of the squared norms of U, P and W.
    """

    alpha: Positive = 1.0
    mu: Positive = 10.0
    beta: Positive = 10.0
    lambda_: NonNegative = 0.1
    gamma: Positive = 0.01
