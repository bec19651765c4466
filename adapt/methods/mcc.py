"""MCC: minimum class confusion (Jin et al. 2020).

A target video's prediction shall not hesitate between classes. It needs no comparison of the
domains, and pulls apart the classes that the batch's predictions confuse.
"""

from __future__ import annotations

from torch import Tensor

from ..layers.losses import class_confusion
from .alignment import AlignmentConfig, TargetPredictions
from .registry import register


@register("mcc", AlignmentConfig())
class MinimumClassConfusion(TargetPredictions):
    """Class confusion at the authors' temperature and, from the end of the ramp, their weight."""

    def target_loss(self, logits: Tensor) -> Tensor:
        return class_confusion(logits)
