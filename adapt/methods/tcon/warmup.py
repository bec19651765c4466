"""When the predicted target attention replaces uniform attention (ambiguity B18).

The paper plugs it in "when the loss of the attention network is lower than a certain threshold".
An absolute threshold is not portable, so the loss is compared with that of a uniform guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ....cache.common.ranges import NonNegative, Whole
from ...layers.schedules import Number
from ..base import State

_DECAY = 0.95


@dataclass(frozen=True, kw_only=True)
class WarmupConfig:
    """Start of the target attention.

    Args:
        ratio: it starts once its running loss is below this share of the uniform guess's.
        threshold: or below this loss, whatever a uniform guess's is; None for the ratio.
        min_steps, min_progress: and not before the earlier of these.
        max_progress: but at this progress at the latest.
        source: until then the source has uniform attention too, not yet its co-attention.
    """

    ratio: NonNegative = 0.5
    threshold: NonNegative | None = None
    min_steps: Whole = 100
    min_progress: NonNegative = 0.1
    max_progress: NonNegative = 0.2
    source: bool = False


def initial_state(device: torch.device) -> State:
    """Running losses, the step count, whether the attention is on and its first step (or 0)."""
    zero = torch.zeros((), device=device)
    return {
        "attention": zero,
        "uniform": zero,
        "steps": zero,
        "on": zero.bool(),
        "on_step": zero,
    }


def update(
    state: State,
    attention: Tensor,
    uniform: Tensor,
    *,
    valid: Tensor,
    progress: Number,
    config: WarmupConfig,
) -> State:
    """The state after a step.

    Args:
        attention, uniform: this step's attention loss, and a uniform guess's.
        valid: false where the batch had no pairs and the losses say nothing.
        progress: of the run, [0, 1].
    """

    def average(old: Tensor, new: Tensor) -> Tensor:
        first = old == 0
        averaged = torch.where(first, new.detach(), _DECAY * old + (1 - _DECAY) * new.detach())
        return torch.where(valid, averaged, old)

    a, u = average(state["attention"], attention), average(state["uniform"], uniform)
    steps = state["steps"] + 1
    early = (steps < config.min_steps) & (progress < config.min_progress)
    enough = config.ratio * u if config.threshold is None else config.threshold
    good = (a < enough) & (u > 0)  # both are 0 until the first pair
    on = state["on"] | (good & ~early) | (progress >= config.max_progress)
    # It is first used in the step after this one; steps count from 1.
    on_step = torch.where(on & ~state["on"], steps + 1, state["on_step"])
    return {"attention": a, "uniform": u, "steps": steps, "on": on, "on_step": on_step}
