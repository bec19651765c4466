"""What the program around an exported model must know, as JSON inside its file and beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from ... import __version__
from ...adapt.inference.loaded_run import LoadedRun
from ...adapt.inference.prediction import AttentionKind
from ...cache.common.records import to_json
from ...cache.recipe import FLOW_SIZE, FlowParameters, Interpolation, Recipe, Resizer
from ...extract.features.plan import Plan
from ...extract.flow.frames import GREY
from ...extract.snippets.cutting import Cut

METADATA = "tcon.json"  # its name inside the file, and what its name beside it ends in


@dataclass(frozen=True, kw_only=True)
class ModelInput:
    """The one input of a model.

    Args:
        name: of the input.
        shape: "batch", then the number of snippets, K m, and the shape of each.
        axes: what the axes are, in words.
        dtype: of the values.
        low, high: the values of black and white, or of the fastest motions that flow can hold.
        channels: what a piece has, in order: a frame red, green and blue, a field of flow x and y.
            Where ``axes`` has no "piece", the pieces of a snippet follow each other as channels.
    """

    name: str = "snippets"
    shape: tuple[str | int, ...]
    axes: tuple[str, ...]
    dtype: str = "float32"
    low: int = 0
    high: int = 255
    channels: tuple[str, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape without the batch."""
        return tuple(size for size in self.shape if isinstance(size, int))


@dataclass(frozen=True, kw_only=True)
class ModelOutput:
    """An output of a model, float32.

    Args:
        name: "logits" or "attention".
        shape: "batch", then the number of classes or of segments.
    """

    name: str
    shape: tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class SnippetChoice:
    """Which pieces of a video, frames or fields of flow, are fed to a model.

    Args:
        rule, value: as in `cache.recipe.Sampling`.
        length: pieces that make one snippet, L.
        rate: of these pieces, per second of the video, which ``value`` of "stride" counts too; None
            for pieces in a row.
        segments: K.
        per_segment: snippets of each segment, m.
    """

    rule: Literal["uniform", "stride"]
    value: int
    length: int
    rate: float | None
    segments: int
    per_segment: int


@dataclass(frozen=True, kw_only=True)
class Resize:
    """How a frame or a field of flow is scaled before the crop.

    Args:
        short_side: pixels; the other side keeps the ratio, rounded down. None where both are fixed.
        height, width: pixels, where both are fixed.
        interpolation: of the pixels.
        antialias: the filter grows with the step when scaling down, as Pillow's does.
        resizer: how levels are rounded, as in `Preprocessing`; None for flow, which is not.
    """

    short_side: int | None = None
    height: int | None = None
    width: int | None = None
    interpolation: Interpolation = "bilinear"
    antialias: bool
    resizer: Resizer | None


@dataclass(frozen=True, kw_only=True)
class Crop:
    """The part of a resized frame that a model sees.

    Args:
        place: of the crop; half pixels are rounded to even.
        height, width: pixels.
    """

    place: str = "centre"
    height: int
    width: int


@dataclass(frozen=True, kw_only=True)
class FlowLevels:
    """How two neighbouring frames become a field of flow, in levels.

    Args:
        height, width: of the frames that flow is computed on, pixels; resized with antialiasing.
        grey: weights of red, green and blue.
        algorithm: of the flow.
        parameters: of TV-L1.
        bound: motion of level 255, pixels per frame; its opposite is level 0.
        quantised: levels are rounded to whole numbers.
    """

    height: int = FLOW_SIZE[0]
    width: int = FLOW_SIZE[1]
    grey: tuple[float, float, float] = GREY
    algorithm: str = "tvl1"
    parameters: FlowParameters
    bound: float
    quantised: bool


@dataclass(frozen=True, kw_only=True)
class Inside:
    """What the model does itself, so that the program around it must not.

    Args:
        backbone: its name.
        weights, weights_sha256: of the backbone.
        channel_order, value_range, mean, std: of the normalisation, as in
            `cache.recipe.Preprocessing`.
        precision: that the model computes in.
        trained_precision: that the features of the run were made in.
    """

    backbone: str
    weights: str
    weights_sha256: str
    channel_order: str
    value_range: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    precision: str = "fp32"
    trained_precision: str


@dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """An exported model, for the program that feeds it.

    Args:
        tool_version: of this package.
        run: name of the run's folder.
        method, modality, classes: of the run; classes in the order of the logits.
        attention: as `Prediction.attention_kind`.
        snippets: which frames.
        flow: how these become flow; None for RGB.
        resize, crop: how frames, or fields of flow, become the input.
        input, outputs: what it takes and gives.
        inside: what it does itself.
    """

    tool_version: str
    run: str
    method: str
    modality: str
    classes: tuple[str, ...]
    attention: AttentionKind
    snippets: SnippetChoice
    flow: FlowLevels | None
    resize: Resize
    crop: Crop
    input: ModelInput
    outputs: tuple[ModelOutput, ...]
    inside: Inside

    def to_json(self) -> str:
        """As it is inside the file, and beside it."""
        return to_json(self, indent=1)


def describe(run: LoadedRun, plan: Plan) -> ModelDescription:
    """Describe the model of a run.

    Args:
        run: the run.
        plan: how its features are made.
    """
    recipe, config, cut = run.recipe, run.config, plan.cuts[run.config.modality]
    votes = run.method.vote(torch.zeros(1, run.positions(), recipe.dim))
    weighs: AttentionKind = "none"
    outputs = [ModelOutput(name="logits", shape=("batch", len(run.classes)))]
    if votes is not None:
        weighs = "uniform" if votes.attention is None else "predicted"
        outputs.append(ModelOutput(name="attention", shape=("batch", run.segments())))
    return ModelDescription(
        tool_version=__version__,
        run=run.path.name,
        method=config.method,
        modality=config.modality,
        classes=run.classes,
        attention=weighs,
        snippets=SnippetChoice(
            rule=cut.sampling.rule,
            value=cut.sampling.value,
            length=cut.length,
            rate=cut.rate,
            segments=run.segments(),
            per_segment=run.method.snippets,
        ),
        flow=_flow(recipe),
        resize=_resize(cut),
        crop=Crop(height=cut.shape[-2], width=cut.shape[-1]),
        input=ModelInput(
            shape=("batch", run.positions(), *cut.shape),
            axes=("batch", "snippet", "channel", *("piece",) * cut.clip, "height", "width"),
            channels=("x", "y") if recipe.flow else ("red", "green", "blue"),
        ),
        outputs=tuple(outputs),
        inside=Inside(
            backbone=recipe.backbone,
            weights=recipe.weights,
            weights_sha256=recipe.weights_sha256,
            channel_order=cut.preprocessing.channel_order,
            value_range=cut.preprocessing.value_range,
            mean=cut.preprocessing.mean,
            std=cut.preprocessing.std,
            trained_precision=recipe.precision,
        ),
    )


def _flow(recipe: Recipe) -> FlowLevels | None:
    if recipe.flow is None:
        return None
    made = recipe.flow
    return FlowLevels(parameters=made.parameters, bound=made.bound, quantised=made.quantised)


def _resize(cut: Cut) -> Resize:
    made = cut.preprocessing
    short = made.resize if isinstance(made.resize, int) else None
    height, width = (None, None) if isinstance(made.resize, int) else made.resize
    return Resize(
        short_side=short,
        height=height,
        width=width,
        interpolation=made.interpolation,
        antialias=made.antialias,
        resizer=made.resizer if made.channel_order else None,
    )
