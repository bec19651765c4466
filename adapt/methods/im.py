"""IM: information maximisation (Shi and Sha 2012; the loss of SHOT, Liang et al. 2020).

Target videos shall be classified with certainty, and not all alike. The entropy of the mean
prediction is that of a batch, and highest where all classes are predicted equally often: the loss
assumes that classes are about equally frequent in the target, and wants batches of several videos
of each class. SHOT trains without the source and adds pseudo-labels by nearest centroids; here the
loss stands beside the source's labels.
"""

from __future__ import annotations

from torch import Tensor

from ..layers.losses import information_maximisation
from .alignment import AlignmentConfig, TargetPredictions
from .registry import register


@register("im", AlignmentConfig())
class InformationMaximisation(TargetPredictions):
    """Low entropy of each target prediction, high entropy of their mean."""

    def target_loss(self, logits: Tensor) -> Tensor:
        return information_maximisation(logits)
