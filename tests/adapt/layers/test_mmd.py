"""MK-MMD against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tcon.adapt.layers.mmd import mk_mmd


def by_loops(source: np.ndarray, target: np.ndarray) -> float:
    rows = [*source, *target]
    squared = [[((a - b) ** 2).sum() for b in rows] for a in rows]
    n = len(rows)
    mean = sum(squared[i][j] for i in range(n) for j in range(n) if i != j) / (n * n - n)
    widths = [mean / 4 * 2**u for u in range(5)]

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return sum(math.exp(-((a - b) ** 2).sum() / width) for width in widths)

    def mean_kernel(xs: np.ndarray, ys: np.ndarray) -> float:
        return sum(kernel(x, y) for x in xs for y in ys) / (len(xs) * len(ys))

    within = mean_kernel(source, source) + mean_kernel(target, target)
    return within - 2 * mean_kernel(source, target)


@pytest.mark.parametrize(("ns", "nt"), [(5, 5), (4, 7), (1, 3), (1, 1)])
def test_loops_give_the_same(ns: int, nt: int) -> None:
    rng = np.random.default_rng(0)
    # Far from the origin, where squared distances lose digits unless care is taken.
    s, t = rng.normal(size=(ns, 6)) + 300, rng.normal(size=(nt, 6)) + 300.5
    got = mk_mmd(torch.tensor(s, dtype=torch.float32), torch.tensor(t, dtype=torch.float32))
    assert float(got) == pytest.approx(by_loops(s, t), rel=1e-3, abs=1e-4)
    exact = mk_mmd(torch.tensor(s), torch.tensor(t))
    assert float(exact) == pytest.approx(by_loops(s, t), rel=1e-9)


def test_by_hand() -> None:
    """One row each: all bandwidths are multiples of their own distance, whatever it is."""
    s, t = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    across = sum(math.exp(-1 / width) for width in (0.25, 0.5, 1, 2, 4))
    assert float(mk_mmd(s, t)) == pytest.approx(2 * 5 - 2 * across, rel=1e-6)
    assert float(mk_mmd(s, t, kernels=1)) == pytest.approx(2 - 2 * math.exp(-1), rel=1e-6)


def test_equal_samples_have_none_and_farther_ones_more() -> None:
    x = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    values = [float(mk_mmd(x, x + shift)) for shift in (0.0, 0.2, 0.5, 2.0)]
    assert values[0] == pytest.approx(0, abs=1e-5)
    assert values == sorted(values) and values[1] > 1e-3


@pytest.mark.parametrize("scale", [0.0, 3.0])
def test_rows_that_are_all_equal_have_none(scale: float) -> None:
    """As after a ReLU that has died; the distances are then rounding errors."""
    row = scale * torch.randn(512, generator=torch.Generator().manual_seed(0))
    s, t = row.repeat(7, 1).requires_grad_(), row.repeat(5, 1)
    loss = mk_mmd(s, t)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=0.01)
    assert s.grad.abs().max() < 1


def test_gradient_takes_the_bandwidth_for_constant() -> None:
    """A larger scale changes neither the value nor, with a moving bandwidth, anything: the gradient
    along the scale would be 0."""
    generator = torch.Generator().manual_seed(0)
    s = torch.randn(5, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    t = torch.randn(5, 3, generator=generator, dtype=torch.float64) + 1
    torch.testing.assert_close(mk_mmd(2 * s, 2 * t), mk_mmd(s, t))
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    (grad,) = torch.autograd.grad(mk_mmd(scale * s, scale * t), scale)
    assert grad.abs() > 0.01
