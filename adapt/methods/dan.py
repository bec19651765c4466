"""DAN: match the distributions of video features by MK-MMD (Long et al. 2015).

As TA3N's comparison has it: on the video feature alone, without a discriminator.
"""

from __future__ import annotations

from torch import Tensor

from ..layers.mmd import mk_mmd
from ..layers.precision import widen
from ..layers.schedules import Number
from .alignment import Alignment, AlignmentConfig
from .base import Draws
from .registry import register

# The authors' for images with a frozen backbone: 20000 steps. Their rate falls by 0.0003 a step
# where `inverse` has 0.001, and their dropout stands before the discrepancy too.
_OFFICIAL = (
    *("train.optimiser=sgd", "train.momentum=0.9", "train.nesterov=true", "train.lr=0.003"),
    *("train.schedule=inverse", "train.weight_decay=5e-4", "train.clip_norm=0"),
    *("train.batch_size=36", "train.epochs=1", "train.min_steps=20000", "train.normalise=none"),
    *("features=256", "dropout=0.5", "ramp=none"),
)


@register("dan", AlignmentConfig(), presets={"official": _OFFICIAL})
class Dan(Alignment):
    """The discrepancy of the temporally averaged features."""

    def align(
        self, fs: Tensor, ft: Tensor, lam: Number, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        # Widened before the mean, which bf16 would round.
        mmd = mk_mmd(widen(fs).mean(1), widen(ft).mean(1))
        return lam * mmd, {"mmd": mmd}
