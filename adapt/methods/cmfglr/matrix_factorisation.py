"""Collective matrix factorisation with a graph Laplacian (CMFGLR), both domains at once.

A reconstruction: of Tang, Jin, Tan and Liang (Image and Vision Computing 2016) the abstract alone
could be read; objective and updates are our reading of it. Minimised, over U, P, W and V:

    sum_m alpha ||X_m - V_m U_m||^2 + mu ||V_m - X_m P_m||^2, m over source and target,
    + beta ||Y - V_s W||^2 + lambda tr(V^T L V) + gamma (sum_m ||U_m||^2 + ||P_m||^2 + ||W||^2)

Given V, the others are ridge regressions; given them, V is a positive definite linear system.
No update raises the objective while the graph stays as it is.

Shapes: n = Ns + Nt videos, source first; p dimensions; r latent dimensions; C classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve
from scipy.sparse import block_diag, csr_array, vstack
from scipy.sparse.linalg import LinearOperator, cg

from .label_graph import Graph, build_graph, laplacian_product, mutual_neighbours, one_hot
from .weights import Weights


class Data(NamedTuple):
    """Features of both domains, [Ns, p] and [Nt, p], and one-hot source labels [Ns, C]."""

    source: np.ndarray
    target: np.ndarray
    labels: csr_array


class Factors(NamedTuple):
    """U and P of source and target, W, V.

    ``u`` two of [r, p]; ``p`` two of [p, r]; ``w`` [r, C]; ``v`` [n, r].
    """

    u: tuple[np.ndarray, np.ndarray]
    p: tuple[np.ndarray, np.ndarray]
    w: np.ndarray
    v: np.ndarray


class Iteration(NamedTuple):
    """``changed`` is the share of target videos whose pseudo-label is another than before."""

    factors: Factors
    objective: float
    changed: float


def objective(data: Data, factors: Factors, graph: Graph, weights: Weights) -> float:
    """The sum that the updates minimise."""
    u, p, w, v = factors
    v_s, v_t = np.split(v, [len(data.source)])
    total = weights.beta * _square(data.labels - v_s @ w)
    for x, v_m, u_m, p_m in zip((data.source, data.target), (v_s, v_t), u, p, strict=True):
        total += weights.alpha * _square(x - v_m @ u_m) + weights.mu * _square(v_m - x @ p_m)
    total += weights.lambda_ * np.vdot(v, laplacian_product(graph, v))
    return float(total + weights.gamma * sum(map(_square, (*u, *p, w))))


def ridge(x: np.ndarray, y: np.ndarray | csr_array, penalty: float) -> np.ndarray:
    """The A that minimises ||y - x A||^2 + penalty ||A||^2: [n, a], [n, b] to [a, b]."""
    gram = x.T @ x
    gram.flat[:: len(gram) + 1] += penalty
    return solve(gram, x.T @ y, assume_a="pos")


def update_maps(data: Data, v: np.ndarray, weights: Weights) -> Factors:
    """The best U, P and W for a given V [n, r]."""
    v_s, v_t = np.split(v, [len(data.source)])
    pairs = ((data.source, v_s), (data.target, v_t))
    u_s, u_t = (ridge(v_m, x, weights.gamma / weights.alpha) for x, v_m in pairs)
    p_s, p_t = (ridge(x, v_m, weights.gamma / weights.mu) for x, v_m in pairs)
    w = ridge(v_s, data.labels, weights.gamma / weights.beta)
    return Factors((u_s, u_t), (p_s, p_t), w, v)


def update_latent(
    data: Data, factors: Factors, graph: Graph, weights: Weights, *, steps: int = 20
) -> np.ndarray:
    """A better V for given U, P and W, by conjugate gradients that start at the V before.

    Solves V_m (alpha U_m U_m^T + mu I + [m = s] beta W W^T) + lambda (L V)_m
    = alpha X_m U_m^T + mu X_m P_m + [m = s] beta Y W^T jointly for both domains; the graph ties
    them. Each step lowers the objective, so stopping early is safe.

    Returns:
        V, [n, r].
    """
    u, p, w, v = factors
    ns, r = len(data.source), v.shape[1]
    inner = [weights.alpha * u_m @ u_m.T + weights.mu * np.eye(r) for u_m in u]  # [r, r]
    right = [
        weights.alpha * x @ u_m.T + weights.mu * x @ p_m
        for x, u_m, p_m in zip((data.source, data.target), u, p, strict=True)
    ]
    inner[0] += weights.beta * w @ w.T
    right[0] += weights.beta * (data.labels @ w.T)

    def product(flat: np.ndarray) -> np.ndarray:
        v = flat.reshape(-1, r)
        result = weights.lambda_ * laplacian_product(graph, v)
        result[:ns] += v[:ns] @ inner[0]
        result[ns:] += v[ns:] @ inner[1]
        return result.ravel()

    system = LinearOperator((v.size, v.size), matvec=product, dtype=v.dtype)
    solution, _ = cg(system, np.concatenate(right).ravel(), v.ravel(), maxiter=steps, atol=0.0)
    return solution.reshape(-1, r)


def neighbour_graph(data: Data, k: int) -> csr_array:
    """`mutual_neighbours` within each domain, sparse [n, n]."""
    blocks = [mutual_neighbours(x, k) for x in (data.source, data.target)]
    return block_diag(blocks, format="csr")


def factorise(
    data: Data,
    pseudo_labels: np.ndarray,
    neighbours: csr_array,
    weights: Weights,
    *,
    rank: int,
    iterations: int,
) -> Iterator[Iteration]:
    """Alternate the updates; after each round new pseudo-labels of the target make a new graph.

    Args:
        data: its columns are principal components of both domains together, the largest first, so
            that the first ``rank`` of them are where V starts.
        pseudo_labels: of target videos, to start with, [Nt].
        neighbours: from `neighbour_graph`.
        rank: r; p where p is less.
    """
    x = np.concatenate([data.source, data.target])
    factors = update_maps(data, x[:, :rank], weights)
    for _ in range(iterations):
        target_labels = one_hot(pseudo_labels, data.labels.shape[1])
        graph = build_graph(vstack([data.labels, target_labels], format="csr"), neighbours)
        v = update_latent(data, factors, graph, weights)
        factors = update_maps(data, v, weights)
        before, pseudo_labels = pseudo_labels, (data.target @ factors.p[1] @ factors.w).argmax(1)
        yield Iteration(
            factors,
            objective(data, factors, graph, weights),
            float((before != pseudo_labels).mean()),
        )


def _square(x: np.ndarray) -> float:
    return float(np.vdot(x, x))
