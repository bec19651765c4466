"""The optimiser and how its rate falls."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from ..config.training import TrainConfig
from ..layers.schedules import step_decay


def make_optimiser(
    groups: Iterable[tuple[list[nn.Parameter], float]], options: TrainConfig
) -> torch.optim.Optimizer:
    """Adam, or SGD with momentum; ``fused``, since an update is limited by memory.

    Args:
        groups: parameters, and by which multiple of the rate they are trained.
        options: which optimiser, and how.
    """
    parameters = [{"params": members, "factor": factor} for members, factor in groups]
    if options.optimiser == "adam":
        return torch.optim.Adam(
            parameters, lr=options.lr, weight_decay=options.weight_decay, fused=True
        )
    return torch.optim.SGD(
        parameters,
        lr=options.lr,
        momentum=options.momentum,
        nesterov=options.nesterov,
        weight_decay=options.weight_decay,
        fused=True,
    )


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> float:
    """Train every group by its multiple of ``rate``, which is returned."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["factor"]
    return rate


def learning_rate(options: TrainConfig, step: int, steps: int) -> float:
    """The rate at a step.

    ``step`` multiplies it by ``lr_factor`` at ``lr_drops`` even moments; ``dann`` is
    lr / (1 + 10 p)^0.75 (Ganin and Lempitsky 2015); ``inverse`` is lr (1 + 0.001 i)^-0.75 at
    step i (CDAN's code, Long et al. 2018).
    """
    progress = step / steps
    if options.schedule == "dann":
        return options.lr / (1 + 10 * progress) ** 0.75
    if options.schedule == "inverse":
        return options.lr * (1 + 0.001 * step) ** -0.75
    return options.lr * step_decay(progress, factor=options.lr_factor, drops=options.lr_drops)
