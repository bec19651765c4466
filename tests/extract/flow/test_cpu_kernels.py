"""The kernels of the engine `cpu`, alone, against what they compute in plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from tcon.extract.flow.engines.iterations import repeat_border, sweep, thetas
from tcon.extract.flow.engines.warping import with_gradients

L_T, THETA, TAUT = np.float32(0.045), np.float32(0.3), np.float32(0.8)
SHAPES = [(1, 1), (1, 40), (40, 1), (9, 16), (12, 31), (8, 33)]  # around whole vectors of 16


def _plain_iteration(u: np.ndarray, p: np.ndarray, data: np.ndarray) -> float:
    """One iteration in place of u [2, H, W] and p [2, 2, H, W]; the sum of squared changes."""
    ix, iy, scale, rho_c = data
    step = np.clip((rho_c + ix * u[0] + iy * u[1]) * scale, -L_T, L_T)
    total = 0.0
    for c, gradient in enumerate((ix, iy)):
        divergence = np.diff(p[c, 0], axis=1, prepend=0) + np.diff(p[c, 1], axis=0, prepend=0)
        change = step * gradient + THETA * divergence
        u[c] += change
        total += (change**2).sum()
    for c in range(2):
        differences = (
            np.diff(u[c], axis=1, append=u[c, :, -1:]),
            np.diff(u[c], axis=0, append=u[c, -1:]),
        )
        p[c] = (p[c] + TAUT * np.stack(differences)) / (1 + TAUT * np.hypot(*differences))
    return total


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("block", [1, 3, 5])
def test_a_sweep_is_plain_iterations(shape: tuple[int, int], block: int) -> None:
    height, width = shape
    columns = width + -width % 16
    rng = np.random.default_rng(0)
    plain_u, plain_p = rng.normal(size=(2, *shape)), np.zeros((2, 2, *shape))
    plain_data = rng.normal(size=(4, *shape))
    plain_data[2] = -1 / (plain_data[0] ** 2 + plain_data[1] ** 2)
    u = np.zeros((2, height + 2, columns + 16), np.float32)
    p = np.zeros((4, height + 2, columns + 16), np.float32)
    data = np.zeros((4, height + 1, columns), np.float32)
    u[:, 1 : height + 1, :width], data[:, :height, :width] = plain_u, plain_data
    repeat_border(u, height, width)
    sums = np.empty((block, 16), np.float32)
    theta = thetas(height, width, THETA)
    for _ in range(3):
        expected = [_plain_iteration(plain_u, plain_p, plain_data) for _ in range(block)]
        sweep(u, p, data, theta, L_T, TAUT, width, sums)
        np.testing.assert_allclose(sums.sum(1), expected, rtol=1e-4)
    np.testing.assert_allclose(u[:, 1 : height + 1, :width], plain_u, atol=1e-5)
    np.testing.assert_allclose(
        p[:, 1 : height + 1, 16 : 16 + width], plain_p.reshape(4, *shape), atol=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("repeat", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients_are_halved_at_the_border_too(shape: tuple[int, int], repeat: bool) -> None:
    image = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    around = np.pad(image, 1, mode="edge")
    x, y = (around[1:-1, 2:] - around[1:-1, :-2]) / 2, (around[2:, 1:-1] - around[:-2, 1:-1]) / 2
    expected = np.pad(
        np.stack([image, x, y, 0 * image], -1),
        ((4, 4), (4, 4), (0, 0)),
        mode="edge" if repeat else "constant",
    )
    np.testing.assert_allclose(with_gradients(image, repeat), expected, rtol=1e-6)
