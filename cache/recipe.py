"""The recipe of features: everything that decides what their numbers mean.

A feature file holds one `Recipe` for each modality and never mixes features of two recipes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Literal

from pydantic import Field

from .common.plugins import PluginRecord
from .common.ranges import Count, NonNegative, Positive, Whole
from .common.records import validate
from .errors import InputError
from .parts import Unit

FeatureType = Literal["float16", "float32"]
Interpolation = Literal["nearest", "bilinear", "bicubic"]
Resizer = Literal["torch", "torch-float", "pillow"]
FLOW_SIZE = (256, 340)  # height and width of the frames that flow is computed on (TSN)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a decoded frame becomes the input of a backbone.

    Args:
        resize: short side before the crop, pixels; or (height, width), whatever the frame's shape.
        input_size: side of the square crop, pixels.
        interpolation: between pixels.
        antialias: filter before scaling down, as Pillow does, or not, as OpenCV.
        resizer: that scales frames: torch on whole levels, which is the fastest, torch in float32
            and rounded, or Pillow. They differ by one level in a part of the pixels.
        mean, std: per channel, in ``channel_order`` and in units of ``value_range``.
        channel_order: RGB, BGR, or "" for flow.
        value_range: pixel values run from 0 to this.
    """

    resize: Count | tuple[Count, Count] = 256
    input_size: Count = 224
    interpolation: Interpolation = "bilinear"
    antialias: bool = True
    resizer: Resizer = "torch"
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    channel_order: Literal["RGB", "BGR", ""] = "RGB"
    value_range: float = 1.0

    def __post_init__(self) -> None:
        validate(self)

    def __str__(self) -> str:
        """One line that tells another lab how to feed the backbone."""
        scale = (
            f"short side {self.resize}"
            if isinstance(self.resize, int)
            else f"{self.resize[0]}x{self.resize[1]}"
        )
        return (
            f"{self.channel_order or 'flow'} 0-{self.value_range:g}, {scale} ({self.interpolation}"
            f"{', antialiased' if self.antialias else ''}"
            f"{'' if self.resizer == 'torch' else f', by {self.resizer}'}), "
            f"centre {self.input_size}x{self.input_size}, mean {self.mean}, std {self.std}"
        )


@dataclass(frozen=True)
class Sampling:
    """Which snippets of a video are taken.

    Args:
        rule: "uniform" spreads ``value`` snippets evenly over the video, "stride" starts one every
            ``value`` frames; of clips at a rate, frames at that rate.
        value: how many snippets, or the step in frames.
    """

    rule: Literal["uniform", "stride"]
    value: Count

    def __post_init__(self) -> None:
        validate(self)

    def __str__(self) -> str:
        return f"{self.rule}:{self.value}"


@dataclass(frozen=True)
class Windows:
    """How long recordings are cut into windows, each a video of its own.

    Args:
        length: of a window.
        hop: from the start of one window to that of the next.
        unit: seconds, by the frames' time stamps, or frames.
        within_shots: no window crosses a hard cut.
    """

    length: Positive
    hop: Positive
    unit: Unit
    within_shots: bool = False

    def __post_init__(self) -> None:
        validate(self)

    def __str__(self) -> str:
        unit = "s" if self.unit == "seconds" else " frames"
        shots = ", within shots" if self.within_shots else ""
        return f"{self.length:g}{unit} every {self.hop:g}{unit}{shots}"


@dataclass(frozen=True)
class Views:
    """Which crops and flips of every frame are stored; the first is always the centre crop.

    Args:
        kind: "centre"; "flip": it and its mirror image; "tencrop": centre and corners, each with
            its mirror image; "multiscale": the centre and ``draws`` of TSN's training crops.
        draws: how many random crops "multiscale" adds; 0 for the other kinds.
    """

    kind: Literal["centre", "flip", "tencrop", "multiscale"] = "centre"
    draws: Whole = 0

    def __post_init__(self) -> None:
        validate(self)

    def __str__(self) -> str:
        return f"{self.kind}:{self.draws}" if self.draws else self.kind

    def __len__(self) -> int:
        """V, the number of views of a frame."""
        return {"centre": 1, "flip": 2, "tencrop": 10, "multiscale": 1 + self.draws}[self.kind]


@dataclass(frozen=True, kw_only=True)
class FlowParameters:
    """Parameters of TV-L1 flow, named as in OpenCV (Zach et al. 2007; Sanchez Perez et al. 2013).

    Args:
        tau: time step of the dual update.
        lambda_: weight of the data term.
        theta: tightness between the flow and its auxiliary.
        scales: levels of the pyramid, fewer where a side would fall below 16 pixels.
        warps: warps on each level.
        epsilon: an iteration that changes the flow by less than this, in pixels (root mean
            square), is the last of its warp.
        inner, outer: a warp takes at most ``inner * outer`` iterations.
        scale_step: ratio of the sides of neighbouring levels.
        median: side of the median filter at the start of each outer iteration: 5, or 1 for none.
        budget: iterations over the whole image that a pair may take (one on a level of half as
            many pixels counts a half); after them each warp takes one outer iteration, on the
            CPU of at most 30.
        convention: what OpenCV's versions do differently. ``opencv5`` warps to exact points,
            ``opencv4`` (all 3.x and 4.x) to multiples of 1/32 pixel, both bicubic with A = -0.75
            and zeros outside of the image. ``opencv_cuda`` is cv::cuda::OpticalFlowDual_TVL1:
            exact points, A = -0.5, the border repeated, corners instead of centres of pixels
            aligned between levels, and not every iteration's change looked at.

    Raises:
        InputError: another convention or median, or a value out of its range.
    """

    tau: Positive = 0.25
    lambda_: Positive = 0.15
    theta: Positive = 0.3
    scales: Count = 5
    warps: Count = 5
    epsilon: NonNegative = 0.01
    inner: Count = 30
    outer: Count = 10
    scale_step: Annotated[Positive, Field(lt=1)] = 0.8
    median: Count = 5
    budget: Count = 2500
    convention: Literal["opencv5", "opencv4", "opencv_cuda"] = "opencv5"

    def __post_init__(self) -> None:
        validate(self)
        if self.median not in (1, 5):
            raise InputError(f"the median's side is 5, or 1 for none, not {self.median}")

    def __str__(self) -> str:
        """Every value, whatever preset they came from: presets may change."""
        return ",".join(f"{name}={value}" for name, value in vars(self).items())


@dataclass(frozen=True, kw_only=True)
class FlowRecipe:
    """How flow fields were computed and stored as levels from 0 to 255.

    Args:
        parameters: of TV-L1.
        bound: motion of the largest level, in pixels per frame; its opposite is level 0.
        quantised: levels are whole numbers, or keep their fractions.
    """

    parameters: FlowParameters = FlowParameters()
    bound: Positive = 20.0
    quantised: bool = True

    def __post_init__(self) -> None:
        validate(self)

    def __str__(self) -> str:
        levels = "8 bit" if self.quantised else "float"
        height, width = FLOW_SIZE
        return f"tvl1 {self.parameters} at {width}x{height}, bound {self.bound:g}, {levels}"

    def difference(self, other: FlowRecipe) -> str:
        """What differs, e.g. ``epsilon=0.01 in place of epsilon=0.02``; "" where nothing does."""
        return ", ".join(_apart(self, other))


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the features of one modality were made.

    The compared fields decide what the numbers mean; the others are a record.

    Args:
        backbone: its name in the registry, or what an import was told.
        weights: "imagenet", a file's name, or "random"; not compared, the hash is.
        weights_sha256: of the weights' file; "" for random or unknown weights.
        layer: what the features are, for people.
        dim: feature dimensions, D.
        preprocessing: of frames or flow; None where the features were imported.
        imported: the kind of file that they were imported from; "" where they were extracted.
        snippet_length: frames, or flow fields, that make one snippet.
        clip_rate: of these frames, per second of the video; None for consecutive ones.
        sampling: which snippets; None where an import does not know.
        windows: that recordings are cut into; None where each file is one video.
        views: which crops and flips.
        precision: of the forward pass: fp32, bf16 or fp16.
        flow: how flow was computed; None for RGB and for imported features.
        dtype: of the features in the file.
        flow_engine: that computed it; not compared.
        licence: of the weights; "" where it is not known; not compared.
        revision: of the weights' repository on a hub that was asked for; not compared.
        signed: whether features may be negative; None where it is not known; not compared.
        plugin: that registered the backbone; not compared.
        tool_version, device, list_sha256: of the run that began the file; not compared.
    """

    backbone: str
    weights: str = field(compare=False)
    weights_sha256: str
    layer: str
    dim: Count
    preprocessing: Preprocessing | None
    imported: str = ""
    snippet_length: Count = 1
    clip_rate: Positive | None = None
    sampling: Sampling | None
    windows: Windows | None = None
    precision: str
    views: Views = Views()
    flow: FlowRecipe | None = None
    dtype: FeatureType = "float16"
    flow_engine: str = field(compare=False, default="")
    licence: str = field(compare=False, default="")
    revision: str = field(compare=False, default="")
    signed: bool | None = field(compare=False, default=None)
    plugin: PluginRecord | None = field(compare=False, default=None)
    tool_version: str = field(compare=False, default="")
    device: str = field(compare=False, default="")
    list_sha256: str = field(compare=False, default="")

    def agrees(self, other: Recipe, name: str) -> bool:
        """Whether a field is alike. A backbone of transformers may lie elsewhere: it is the same
        where the folder or repository has the same name and weights."""
        if getattr(self, name) == getattr(other, name):
            return True
        moved = all(r.backbone.startswith("hf:") and r.weights_sha256 for r in (self, other))
        return (
            name == "backbone"
            and moved
            and (self.weights, self.weights_sha256) == (other.weights, other.weights_sha256)
        )

    def differences(self, other: Recipe) -> list[str]:
        """Say which compared fields differ: ``["sampling: uniform:32 in place of stride:8"]``."""
        return [
            f"{f.name}: {', '.join(_apart(getattr(self, f.name), getattr(other, f.name)))}"
            for f in fields(self)
            if f.compare and not self.agrees(other, f.name)
        ]

    def text(self, name: str) -> str:
        """A field's value as people read it; "none" where there is none."""
        return _text(getattr(self, name))

    def rows(self) -> list[tuple[str, str]]:
        """The names and values of all fields that say something, for people."""
        return [
            (f.name.replace("_", " "), self.text(f.name))
            for f in fields(self)
            if getattr(self, f.name) not in (None, "")
        ]

    def without_list(self) -> Recipe:
        """What a run keeps of it: the hash of the list depends on labels."""
        return replace(self, list_sha256="")


def _apart(ours: object, theirs: object, name: str = "") -> Iterator[str]:
    """Say ``a in place of b`` of two values, or of each field that differs of two records of many
    fields."""
    if ours == theirs:
        return
    if isinstance(ours, (Preprocessing, FlowRecipe, FlowParameters)) and type(ours) is type(theirs):
        for f in fields(ours):
            yield from _apart(getattr(ours, f.name), getattr(theirs, f.name), f.name)
        return
    yield " in place of ".join(f"{name}={_text(v)}" if name else _text(v) for v in (ours, theirs))


def _text(value: object) -> str:
    """A value as people read it; "none" where there is none."""
    if isinstance(value, PluginRecord):
        return f"{value.module} (sha256 {value.sha256[:16]}...)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else str(value)
