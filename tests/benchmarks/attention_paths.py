"""TCoN whose source attention trains features by one path alone, for `end_to_end_accuracy.py`.

The attention of a source video (4) is made of the features of both domains, so the class loss of
the source has two paths into the features. All methods here score normalised features, have no
adversary, and keep the attention network's loss from the features:

| name             | the source's class loss trains, through attention |
|------------------|---------------------------------------------------|
| `tcon-to-both`   | source and target features                        |
| `tcon-to-source` | source features                                   |
| `tcon-to-target` | target features                                   |
"""

from __future__ import annotations

from torch import Tensor

from tcon.adapt.methods.registry import register
from tcon.adapt.methods.tcon.method import Scores, Tcon
from tcon.adapt.methods.tcon.options import TconConfig

NAMES = ("tcon-to-both", "tcon-to-source", "tcon-to-target")
_OPEN = TconConfig(
    attention_features="same", detach_source_att=False, detach_ga_input=True, lambda_d=0.0
)


@register("tcon-to-both", _OPEN)
class ToBoth(Tcon):
    """Both paths."""


@register("tcon-to-source", _OPEN)
class ToSource(Tcon):
    """The source's own features alone."""

    def scores(self, fs: Tensor, ft: Tensor, si: Tensor, ti: Tensor) -> Scores:
        return super().scores(fs, ft.detach(), si, ti)


@register("tcon-to-target", _OPEN)
class ToTarget(Tcon):
    """The target's features alone."""

    def scores(self, fs: Tensor, ft: Tensor, si: Tensor, ti: Tensor) -> Scores:
        return super().scores(fs.detach(), ft, si, ti)
