"""CMFGLR's graph, objective and updates against dense ones written from the formulas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from tcon.adapt.config.runs import default_options
from tcon.adapt.config.settings import apply_settings
from tcon.adapt.methods.cmfglr import cross_validation
from tcon.adapt.methods.cmfglr.cross_validation import stratified_parts
from tcon.adapt.methods.cmfglr.label_graph import (
    Graph,
    build_graph,
    laplacian_product,
    mutual_neighbours,
    one_hot,
)
from tcon.adapt.methods.cmfglr.matrix_factorisation import (
    Data,
    Factors,
    Iteration,
    factorise,
    neighbour_graph,
    objective,
    update_latent,
    update_maps,
)
from tcon.adapt.methods.cmfglr.weights import Weights
from tcon.cache import InputError

NS, NT, P, R, C = 9, 7, 6, 4, 3


def problem(seed: int) -> tuple[Data, Factors, Graph, np.ndarray, Weights]:
    """Random data, factors, graph, the same graph's dense L by loops, and weights."""
    rng = np.random.default_rng(seed)
    x_s, x_t = rng.normal(size=(NS, P)), rng.normal(size=(NT, P)) + 0.5
    labels = rng.integers(C, size=NS + NT)
    data = Data(x_s, x_t, one_hot(labels[:NS], C))
    graph = build_graph(one_hot(labels, C), neighbour_graph(data, 3))
    factors = Factors(
        u=(rng.normal(size=(R, P)), rng.normal(size=(R, P))),
        p=(rng.normal(size=(P, R)), rng.normal(size=(P, R))),
        w=rng.normal(size=(R, C)),
        v=rng.normal(size=(NS + NT, R)),
    )
    values = np.exp(rng.normal(size=5))
    weights = Weights(**dict(zip(("alpha", "mu", "beta", "lambda_", "gamma"), values, strict=True)))
    return data, factors, graph, dense_laplacian([x_s, x_t], labels, 3), weights


def dense_laplacian(domains: list[np.ndarray], labels: np.ndarray, k: int) -> np.ndarray:
    """L = I - D^-1/2 S D^-1/2 by loops."""
    n = len(labels)
    s = np.array([[float(labels[i] == labels[j]) for j in range(n)] for i in range(n)])
    start = 0
    for x in domains:
        d2 = [[((a - b) ** 2).sum() for b in x] for a in x]
        nearest = [
            sorted((j for j in range(len(x)) if j != i), key=lambda j: d2[i][j])[:k]
            for i in range(len(x))
        ]
        pairs = [(i, j) for i in range(len(x)) for j in nearest[i] if i in nearest[j]]
        sigma2 = np.mean([d2[i][j] for i, j in pairs])
        for i, j in pairs:
            s[start + i, start + j] += np.exp(-d2[i][j] / sigma2)
        start += len(x)
    d = s.sum(1)
    return np.eye(n) - s / np.sqrt(d[:, None] * d[None])


def dense_objective(data: Data, factors: Factors, laplacian: np.ndarray, k: Weights) -> float:
    """The reference's objective, in its orientation: a column per video."""
    x = data.source.T, data.target.T
    v = factors.v[:NS].T, factors.v[NS:].T
    w, y, both = factors.w.T, data.labels.toarray().T, factors.v.T
    total = k.beta * np.linalg.norm(y - w @ v[0]) ** 2 + k.gamma * np.linalg.norm(w) ** 2
    for m in (0, 1):
        u, p = factors.u[m].T, factors.p[m].T
        total += k.alpha * np.linalg.norm(x[m] - u @ v[m]) ** 2
        total += k.mu * np.linalg.norm(v[m] - p @ x[m]) ** 2
        total += k.gamma * (np.linalg.norm(u) ** 2 + np.linalg.norm(p) ** 2)
    return total + k.lambda_ * np.trace(both @ laplacian @ both.T)


@pytest.mark.parametrize("seed", range(5))
def test_graph_and_objective_equal_dense_ones(seed: int) -> None:
    data, factors, graph, laplacian, weights = problem(seed)
    np.testing.assert_allclose(laplacian_product(graph, np.eye(NS + NT)), laplacian, atol=1e-12)
    expected = dense_objective(data, factors, laplacian, weights)
    assert objective(data, factors, graph, weights) == pytest.approx(expected)


def test_neighbours_of_copies_and_of_few_videos() -> None:
    x = np.array([[0.0, 0], [0, 0], [3, 4]])
    np.testing.assert_allclose(mutual_neighbours(x[:2], 5).toarray(), [[0, 1], [1, 0]])
    assert mutual_neighbours(x[:1], 5).toarray().tolist() == [[0]]
    # The third is nobody's nearest.
    np.testing.assert_allclose(mutual_neighbours(x, 1).toarray()[2], 0)


def test_map_updates_equal_the_closed_forms() -> None:
    data, factors, _, _, k = problem(0)
    found = update_maps(data, factors.v, k)
    x, v = (data.source.T, data.target.T), (factors.v[:NS].T, factors.v[NS:].T)
    inverse, y = np.linalg.inv, data.labels.toarray().T
    for m in (0, 1):
        u = x[m] @ v[m].T @ inverse(v[m] @ v[m].T + k.gamma / k.alpha * np.eye(R))
        p = v[m] @ x[m].T @ inverse(x[m] @ x[m].T + k.gamma / k.mu * np.eye(P))
        np.testing.assert_allclose(found.u[m], u.T, atol=1e-10)
        np.testing.assert_allclose(found.p[m], p.T, atol=1e-10)
    w = y @ v[0].T @ inverse(v[0] @ v[0].T + k.gamma / k.beta * np.eye(R))
    np.testing.assert_allclose(found.w, w.T, atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_latent_update_solves_the_joint_system(seed: int) -> None:
    data, factors, graph, laplacian, k = problem(seed)
    n = NS + NT
    system, right = np.kron(k.lambda_ * laplacian, np.eye(R)), np.zeros((n, R))
    y = data.labels.toarray()
    for i in range(n):
        m = int(i >= NS)
        x_i, u, p, w = (data.source, data.target)[m][i - m * NS], factors.u[m].T, factors.p[m].T, 0
        block = k.alpha * u.T @ u + k.mu * np.eye(R)
        right[i] = k.alpha * u.T @ x_i + k.mu * p @ x_i
        if i < NS:
            w = factors.w.T
            block += k.beta * w.T @ w
            right[i] += k.beta * w.T @ y[i]
        system[i * R : (i + 1) * R, i * R : (i + 1) * R] += block
    expected = np.linalg.solve(system, right.ravel()).reshape(n, R)
    found = update_latent(data, factors, graph, k, steps=500)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    # Few steps end between the start and the solution.
    values = [
        objective(data, factors._replace(v=v), graph, k)
        for v in (factors.v, update_latent(data, factors, graph, k, steps=2), expected)
    ]
    assert values[0] > values[1] > values[2]


@pytest.mark.parametrize("seed", range(20))
def test_no_update_raises_the_objective(seed: int) -> None:
    data, factors, graph, _, weights = problem(seed)
    value = objective(data, factors, graph, weights)
    for _ in range(4):
        best = update_maps(data, factors.v, weights)
        for change in (
            {"u": (best.u[0], factors.u[1])},
            {"u": best.u},
            {"p": (best.p[0], factors.p[1])},
            {"p": best.p},
            {"w": best.w},
            {"v": None},
        ):
            if "v" in change:
                change = {"v": update_latent(data, factors, graph, weights, steps=5)}
            factors = factors._replace(**change)
            before, value = value, objective(data, factors, graph, weights)
            assert value <= before * (1 + 1e-12)


def test_factorise_refreshes_the_pseudo_labels() -> None:
    """Wrong ones at the start are mended, and the share that changed is told."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % C
    x = 3 * np.eye(C, P)[labels] + 0.3 * rng.normal(size=(60, P))
    data = Data(x, x + 0.1, one_hot(labels, C))
    wrong = np.where(np.arange(60) < 15, (labels + 1) % C, labels)
    rounds = list(factorise(data, wrong, neighbour_graph(data, 5), Weights(), rank=R, iterations=3))
    assert [step.changed for step in rounds] == [15 / 60, 0, 0]
    assert rounds[2].objective < rounds[1].objective  # with labels, so a graph, as before
    predicted = (data.target @ rounds[-1].factors.p[1] @ rounds[-1].factors.w).argmax(1)
    assert (predicted == labels).all()


def test_weights_that_must_not_vanish() -> None:
    options = default_options(["cmfglr"])
    assert apply_settings(["cmfglr.lambda_=0"], options)["cmfglr"].lambda_ == 0
    with pytest.raises(InputError, match=r"cmfglr\.gamma=0: must be greater than 0"):
        apply_settings(["cmfglr.gamma=0"], options)


def test_stratified_parts() -> None:
    labels = np.array([0] * 7 + [1] * 2 + [2] * 4)
    parts = stratified_parts(labels, 3)
    for one in (labels >= 0, labels == 0, labels == 1, labels == 2):
        counts = np.bincount(parts[one], minlength=3)
        assert counts.max() - counts.min() <= 1
    assert (parts == stratified_parts(labels, 3)).all()
    assert (parts != stratified_parts(labels, 3, seed=1)).any()
    assert sorted(stratified_parts(np.arange(6), 3)) == [0, 0, 1, 1, 2, 2]  # one video per class


@pytest.mark.parametrize(("best", "videos"), [((1.0, 100.0), 90), ((1.0, 100.0), 2), (None, 90)])
def test_selection(
    best: tuple[float, float] | None, videos: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Factors that classify well for one mu and beta alone, or for all; they see two folds."""
    labels = np.arange(90) % C

    def fake(kept: Data, *args: object, **options: object) -> Iterator[Iteration]:
        weights = args[-1]
        assert len(kept.source) == kept.labels.shape[0] == 60 and len(kept.target) == 90
        right = best is None or (weights.mu, weights.beta) == best
        w = np.eye(C) if right else np.roll(np.eye(C), 1, axis=1)
        yield Iteration(Factors(None, (np.eye(C), None), w, None), 0.0, 0.0)

    monkeypatch.setattr(cross_validation, "factorise", fake)
    x = np.eye(C)[labels]
    data = Data(x[:videos], x, one_hot(labels[:videos], C))
    given = Weights(alpha=3.0)
    expected = replace(given, mu=best[0], beta=best[1]) if best and videos > 2 else given
    found = cross_validation.select_weights(data, labels, given, rank=2, neighbours=5)
    assert found == expected


def test_nothing_dense_is_made() -> None:
    """20 000 videos: a dense graph would take 3.2 GB."""
    n = 20_000
    labels = np.arange(n) % C
    graph = build_graph(one_hot(labels, C), sparse.csr_array((n, n)))
    v = np.eye(C)[labels]
    np.testing.assert_allclose(laplacian_product(graph, v), 0, atol=1e-9)  # constant per class
    assert graph.labels.nnz == n
