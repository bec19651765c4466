"""The options of an extraction that decide what its features mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ...cache.common.ranges import Count, Positive
from ...cache.common.records import validate
from ...cache.errors import InputError, unknown
from ...cache.recipe import FlowRecipe, Sampling, Views, Windows
from ..backbones import MODALITIES
from ..snippets.views import parse_views
from ..snippets.windows import parse_windows

ClipRate = Annotated[Positive, Field(le=1000)] | Literal["trained", "consecutive"]
_CLIP_RATE: TypeAdapter[ClipRate] = TypeAdapter(ClipRate)


@dataclass(frozen=True, kw_only=True)
class ExtractOptions:
    """What becomes the `Recipe` of each modality once the weights are loaded.

    Args:
        modalities: "rgb", "flow" or both; none to look at videos alone, for the end-to-end mode.
        backbone: a name of the registry.
        weights: None for the published ones, a checkpoint file, the folder of an end-to-end run,
            or "random".
        flow_weights: the same for flow; None for ``weights``, turned into flow's where they are
            of RGB.
        sampling: which snippets; backbone and modality decide how long they are.
        clip_rate: of the frames of clips: "trained", the backbone's, "consecutive", or frames per
            second.
        positions: compute only the snippets that evaluation looks at, the central one of each of
            so many equal parts; None for all of them.
        windows: that recordings are cut into; None to leave every video whole.
        views: which crops and flips of a frame are stored.
        flow: how flow is computed.
        precision: "auto", which suits the device, "fp32", "bf16" or "fp16".

    Raises:
        InputError: no such modality, or a value of another type or out of its range.
    """

    modalities: tuple[str, ...] = ("rgb",)
    backbone: str = "efficientnet_lite0"
    weights: str | None = None
    flow_weights: str | None = None
    sampling: Sampling = Sampling("uniform", 32)
    clip_rate: ClipRate = "trained"
    positions: Count | None = None
    windows: Windows | None = None
    views: Views = Views()
    flow: FlowRecipe = FlowRecipe()
    precision: str = "auto"

    def __post_init__(self) -> None:
        validate(self)
        for modality in self.modalities:
            if modality not in MODALITIES:
                raise unknown("modality", modality, MODALITIES)


def make_options(
    *,
    modality: str | None = None,
    backbone: str | None = None,
    weights: str | Path | None = None,
    flow_weights: str | Path | None = None,
    snippets: int | None = None,
    stride: int | None = None,
    clip_rate: str | float | None = None,
    window: str | int | None = None,
    hop: str | int | None = None,
    within_shots: bool | None = None,
    views: str | None = None,
    precision: str | None = None,
    flow: FlowRecipe | None = None,
) -> ExtractOptions:
    """The options as users name them, see `extract`; None for the defaults of `ExtractOptions`.

    Raises:
        InputError: one of them is wrong, or two do not go together.
    """
    default = ExtractOptions()
    return ExtractOptions(
        modalities=default.modalities if modality is None else _modalities(modality),
        backbone=default.backbone if backbone is None else backbone,
        weights=None if weights is None else str(weights),
        flow_weights=None if flow_weights is None else str(flow_weights),
        sampling=_sampling(snippets, stride),
        clip_rate=default.clip_rate if clip_rate is None else _clip_rate(clip_rate),
        windows=parse_windows(window, hop, within_shots=within_shots),
        views=default.views if views is None else parse_views(views),
        flow=flow or default.flow,
        precision=default.precision if precision is None else precision,
    )


def _modalities(names: str) -> tuple[str, ...]:
    """The modalities of "rgb,flow"; none of "none"."""
    each = [name.strip() for name in names.split(",")]
    return () if each == ["none"] else tuple(dict.fromkeys(each))


def _clip_rate(value: str | float) -> ClipRate:
    try:
        return _CLIP_RATE.validate_python(value)
    except ValidationError:
        raise InputError(
            f"--clip-rate {value}: write frames per second as 15, trained or consecutive"
        ) from None


def _sampling(snippets: int | None, stride: int | None) -> Sampling:
    if snippets is not None and stride is not None:
        raise InputError("give snippets or stride, not both (--snippets, --stride)")
    for name, value in (("snippets", snippets), ("stride", stride)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, not {value}")
    if stride is not None:
        return Sampling("stride", stride)
    return ExtractOptions.sampling if snippets is None else Sampling("uniform", snippets)
