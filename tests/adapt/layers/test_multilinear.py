"""CDAN's maps of features and predictions."""

from __future__ import annotations

import numpy as np
import torch

from tcon.adapt.layers.multilinear import multilinear_map, randomised_multilinear_map


def test_map_is_the_outer_product() -> None:
    rng = np.random.default_rng(0)
    f, g = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 3, 4))
    got = multilinear_map(torch.tensor(f), torch.tensor(g))
    for i in range(2):
        for j in range(3):
            np.testing.assert_allclose(got[i, j], np.outer(f[i, j], g[i, j]).ravel())


def test_randomised_map_keeps_inner_products_in_expectation() -> None:
    generator = torch.Generator().manual_seed(0)
    f = torch.randn(6, 20, generator=generator)
    g = torch.randn(6, 4, generator=generator).softmax(1)
    random_f = torch.randn(20, 40000, generator=generator)
    random_g = torch.randn(4, 40000, generator=generator)
    exact, randomised = multilinear_map(f, g), randomised_multilinear_map(f, g, random_f, random_g)
    expected = exact @ exact.T
    # The products' deviation is about 3 |h| |h'| / sqrt(R).
    error = (randomised @ randomised.T - expected).abs().max() / expected.diagonal().max()
    assert error < 0.06
    np.testing.assert_allclose(
        randomised[0, 7], (f[0] @ random_f[:, 7]) * (g[0] @ random_g[:, 7]) / 200, rtol=1e-4
    )
