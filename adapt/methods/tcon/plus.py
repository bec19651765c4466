"""TCoN+: TCoN with information maximisation on target videos and a lighter adversary.

It inherits the limits of information maximisation, which assumes that classes are about equally
frequent in the target (`im`).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ....cache.common.ranges import NonNegative
from ...layers.losses import information_maximisation
from ...layers.schedules import Number, dann_ramp
from ..base import Losses
from ..registry import register
from .method import Tcon
from .options import PRESETS, TconConfig


@dataclass(frozen=True, kw_only=True)
class TconPlusConfig(TconConfig):
    """Options of TCoN, and one more.

    Args:
        lambda_im: weight of information maximisation at the end of the ramp.
    """

    lambda_im: NonNegative = 1.0
    lambda_d: NonNegative = 0.3


@register("tcon+", TconPlusConfig(), presets=PRESETS)
class TconPlus(Tcon):
    """TCoN and information maximisation."""

    config: TconPlusConfig

    def _class_losses(
        self, out_s: Tensor, out_t: Tensor, labels: Tensor, on: Tensor | bool, progress: Number
    ) -> Losses:
        classes = super()._class_losses(out_s, out_t, labels, on, progress)
        loss = information_maximisation(out_t)
        weight = self.config.lambda_im * dann_ramp(progress, self.config.ramp)
        logs = {**classes.logs, "information_maximisation": loss.detach()}
        return Losses(classes.total + weight * loss, logs)
