"""Deep CORAL: align the covariances of segment features (Sun and Saenko 2016).

The segments of all videos of a domain are one sample. The authors align the outputs of the last
layer; here the features before the classifier are aligned, as by the other methods. They weigh the
distance so that it ends about as large as the class loss; on standardised features a weight of 1000
comes close to that (docs/settings.md).
"""

from __future__ import annotations

from torch import Tensor

from ..layers.coral import coral_distance
from ..layers.schedules import Number
from .alignment import Alignment, AlignmentConfig
from .base import Draws
from .registry import register


@register("coral", AlignmentConfig(lambda_d=1000.0))
class Coral(Alignment):
    """The distance of both domains' covariances."""

    def align(
        self, fs: Tensor, ft: Tensor, lam: Number, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        distance = coral_distance(fs.flatten(0, 1), ft.flatten(0, 1))  # of [Bs Ks, D], [Bt Kt, D]
        return lam * distance, {"coral": distance}
