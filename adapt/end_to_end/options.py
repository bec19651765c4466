"""Options of the end-to-end mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ...cache.common.ranges import NonNegative, Whole
from ...cache.common.records import validate

BatchNorm = Literal["partial", "frozen", "trained"]
LayerDecay = Annotated[float, Field(gt=0, le=1)]
Depths = Annotated[Whole, BeforeValidator(lambda given: 1 if given == "stem" else given)]


@dataclass(frozen=True, kw_only=True)
class EndToEnd:
    """How the backbone is trained.

    Args:
        backbone: a name of `extract.backbones`.
        weights: None for the published ones, a checkpoint file, a finished end-to-end run's
            folder, or "random".
        backbone_lr: the backbone's learning rate, as a multiple of ``train.lr``; 0 freezes it.
        layer_decay: the rate of each depth of the backbone (`depth.depth_groups`), as a multiple of
            that of the next; the last has ``backbone_lr``.
        freeze: how many depths, from the input on, are not trained, nor the statistics of their
            batch norms; "stem" means 1.
        batch_norm: ``partial`` trains the first batch norm alone, as TSN does; ``frozen`` none,
            ``trained`` all. Source and target pass separately, so a trained one sees one domain
            at a time.
        sync_bn: compute batch norm's statistics over all GPUs; else each normalises its share.
        crops: TSN's ``multiscale`` crops of training videos, or the ``centre``.
        flip: mirror half of the multiscale crops. It may change what an action means, as of
            Jester's turning hands.
        precision: of the backbone: "auto", "fp32", "bf16" or "fp16". What comes after it has
            ``train.precision``.
        micro_batch: images, or clips where the backbone takes these, that go through it at once;
            0 for as many as fit. The loss is that of the whole batch all the same.

    Raises:
        InputError: a value of another type or out of its range.
    """

    backbone: str = "efficientnet_lite0"
    weights: str | None = None
    backbone_lr: NonNegative = 1.0
    layer_decay: LayerDecay = 1.0
    freeze: Depths = 0
    batch_norm: BatchNorm = "partial"
    sync_bn: bool = False
    crops: Literal["multiscale", "centre"] = "multiscale"
    flip: bool = True
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    micro_batch: Whole = 0

    def __post_init__(self) -> None:
        validate(self)


# The learning rates that the paper gives for C3D, with the optimiser that they suggest (B15 in
# docs/ambiguities.md).
_C3D = (
    "train.optimiser=sgd",
    "train.lr=1e-2",
    "e2e.backbone_lr=0.1",
)
# At Adam's 3e-4 the features of all clips collapse within 50 steps of `tcon`: so they did in
# EfficientNet-Lite0, and vision transformers are fine-tuned at less, too.
_FINE_TUNED = ("e2e.backbone_lr=0.1",)
# With more the backbone fools TCoN's discriminators before it tells classes (docs/end-to-end.md).
_TCON_LAMBDA_D = 0.03


def usual_settings(method: str, given: EndToEnd, *, modality: str) -> list[str]:
    """The defaults of the end-to-end mode, as ``key=value``, where they are not the cached mode's.

    The backbone's features are used as they are; a classifier on flow has TSN's dropout; the batch
    norms of random weights are trained, since their statistics are not those of any data; some
    backbones have a learning rate, and a weight of TCoN's discriminators, of their own.
    """
    # They import torch, which the options by themselves do not need.
    from ...extract.backbones.libraries.name import is_library_name
    from ..methods import entry
    from ..methods.tcon.options import TconConfig

    settings = [f"{method}.features=0", "train.normalise=none"]
    if modality == "flow":
        settings.append(f"{method}.dropout=0.7")
    if given.weights == "random":
        settings.append("e2e.batch_norm=trained")
    elif given.backbone.startswith("efficientnet") or is_library_name(given.backbone):
        settings += _FINE_TUNED
        if isinstance(entry(method).config, TconConfig):
            settings.append(f"{method}.lambda_d={_TCON_LAMBDA_D}")
    if given.backbone.startswith("c3d"):
        settings += _C3D
    return settings
