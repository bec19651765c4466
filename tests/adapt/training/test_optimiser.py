"""Learning rates by hand, and which optimiser is made."""

from __future__ import annotations

import pytest
import torch

from tcon.adapt.config.training import TrainConfig
from tcon.adapt.training.optimiser import learning_rate, make_optimiser, set_rate


def test_rates_by_hand() -> None:
    step = TrainConfig(lr=1.0)
    assert [learning_rate(step, n, 90) for n in (0, 29, 30, 60)] == pytest.approx([1, 1, 0.1, 0.01])
    dann = TrainConfig(lr=2.0, schedule="dann")
    assert learning_rate(dann, 0, 10) == 2
    assert learning_rate(dann, 5, 10) == pytest.approx(2 / 6**0.75)
    inverse = TrainConfig(lr=2.0, schedule="inverse")
    assert learning_rate(inverse, 0, 10) == 2
    for steps in (2000, 9000):  # it counts steps, not the share of the run
        assert learning_rate(inverse, 1000, steps) == pytest.approx(2 * 2**-0.75)


def test_optimisers() -> None:
    parameters = [torch.nn.Parameter(torch.zeros(1))]
    adam = make_optimiser([(parameters, 1.0)], TrainConfig())
    assert isinstance(adam, torch.optim.Adam) and adam.defaults["weight_decay"] == 5e-4
    options = TrainConfig(optimiser="sgd", momentum=0.5, nesterov=True, weight_decay=0.1)
    sgd = make_optimiser([(parameters, 1.0)], options)
    assert isinstance(sgd, torch.optim.SGD)
    kept = {key: sgd.defaults[key] for key in ("momentum", "nesterov", "weight_decay")}
    assert kept == {"momentum": 0.5, "nesterov": True, "weight_decay": 0.1}


def test_groups_are_trained_by_their_multiple_of_the_rate() -> None:
    slow, fast = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    options = TrainConfig(optimiser="sgd", momentum=0.0, weight_decay=0.0)
    optimiser = make_optimiser([([slow], 0.1), ([fast], 1.0)], options)
    assert set_rate(optimiser, 0.5) == 0.5
    (slow + fast).backward()
    optimiser.step()
    assert (slow.item(), fast.item()) == pytest.approx((-0.05, -0.5))
