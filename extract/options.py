"""Options of an extraction, and what they come to on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from .. import __version__
from ..cache import InputError, Recipe
from ..cache.errors import unknown
from ..cache.recipe import FlowParameters, FlowRecipe, Sampling, Views
from .backbones import MODALITIES, LoadedBackbone, load_backbone
from .decoding import DECODERS
from .flow import ENGINES
from .flow.cache import FlowCache
from .flow.cutting import FlowCut
from .flow.fields import FIELDS, ON_DEVICE
from .flow.tvl1 import choose_engine
from .machine.devices import choose_devices
from .machine.precision import choose_precision
from .snippets.cutting import Cut, FrameCut
from .snippets.reading import Reading

_GPU_BATCH = 8  # times the batch of a CPU


@dataclass(frozen=True, kw_only=True)
class ExtractConfig:
    """Options of an extraction.

    Args:
        modalities: "rgb", "flow" or both; none to look at videos alone, for the end-to-end mode.
        backbone: a name of the registry.
        weights: None for the published ones, a checkpoint file, the folder of an end-to-end run,
            or "random".
        flow_weights: the same for flow; None for ``weights``, turned into flow's where they are
            of RGB.
        sampling: which frames become snippets; backbone and modality decide their length.
        positions: compute only the snippets that evaluation looks at, the central one of each of so
            many equal parts; None for all of them.
        views: which crops and flips of a frame are stored.
        flow: parameters of TV-L1.
        flow_engine: "auto", which suits the device, or one of `flow.ENGINES`.
        flow_bound: pixels per frame of the largest of 256 levels.
        flow_float: keep the fractions of the levels.
        keep_flow: folder of the flow cache that all flow of every video goes into; flow that it
            holds is not computed again.
        keep_flow_gb: that the cache may take.
        decoder: "auto", "pyav" or "decord".
        device: "auto", "cpu", "cuda", "cuda:0,cuda:1", ...
        precision: "auto", "fp32", "bf16" or "fp16".
        batch_size: snippets per forward pass, always exactly this many; None for the backbone's.
        workers: decoding processes; None for one per core, 0 to decode in this process.
        time_limit: seconds that a video may go without a new frame before it is given up.
        min_frames: a video of which fewer decode has failed.
        retry_failed: take the videos that failed before, and no others; None for both.
    """

    modalities: tuple[str, ...] = ("rgb",)
    backbone: str = "efficientnet_lite0"
    weights: str | None = None
    flow_weights: str | None = None
    sampling: Sampling = Sampling("uniform", 32)
    positions: int | None = None
    views: Views = Views()
    flow: FlowParameters = FlowParameters()
    flow_engine: str = "auto"
    flow_bound: float = 20.0
    flow_float: bool = False
    keep_flow: Path | None = None
    keep_flow_gb: float = 100.0
    decoder: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    batch_size: int | None = None
    workers: int | None = None
    time_limit: float = 120.0
    min_frames: int = 16
    retry_failed: bool | None = False

    def __post_init__(self) -> None:
        if self.time_limit <= 0 or self.min_frames < 1 or (self.workers or 0) < 0:
            raise InputError(
                "time_limit must be above 0, min_frames at least 1, workers not below 0"
            )
        if self.decoder not in DECODERS:
            raise InputError(f"decoder '{self.decoder}' is not one of {', '.join(DECODERS)}")
        if self.flow_engine not in ENGINES:
            raise unknown("flow engine", self.flow_engine, ENGINES)
        if self.flow_bound <= 0:
            raise InputError("flow_bound must be above 0")
        if self.keep_flow and ("flow" not in self.modalities or self.flow_float):
            raise InputError("a flow cache takes 8-bit flow: give --modality flow, no --flow-float")
        if self.keep_flow and self.flow_engine in ON_DEVICE:
            raise InputError(
                f"the engine {self.flow_engine} does not run where videos are decoded and flow is "
                "kept: leave out --flow-engine or --keep-flow"
            )
        for modality in self.modalities:
            if modality not in MODALITIES:
                raise unknown("modality", modality, MODALITIES)


@dataclass(frozen=True)
class Plan:
    """An extraction with its weights loaded and every "auto" resolved.

    Args:
        config: the options.
        backbones: by modality.
        cuts: how each modality's snippets are cut.
        devices: that compute.
        precision: "fp32", "bf16" or "fp16".
    """

    config: ExtractConfig
    backbones: Mapping[str, LoadedBackbone]
    cuts: Mapping[str, Cut]
    devices: tuple[torch.device, ...]
    precision: str

    @classmethod
    def make(cls, config: ExtractConfig) -> Plan:
        """Load the backbones.

        Raises:
            InputError: no such device, wrong weights, a backbone that takes no flow, or a flow
                engine that cannot be had or does not follow the flow's convention.
        """
        devices = tuple(choose_devices(config.device))
        precision = choose_precision(config.precision, devices[0])
        backbones, cuts = {}, {}
        for modality in config.modalities:
            weights = (modality == "flow" and config.flow_weights) or config.weights
            backbones[modality] = load_backbone(config.backbone, weights, modality=modality)
            cuts[modality] = make_cut(config, modality, backbones[modality], devices[0])
        return cls(config, backbones, cuts, devices, precision)

    @property
    def reading(self) -> Reading:
        """What the decoding processes are told."""
        return Reading(self.cuts, self.config.decoder, self.config.min_frames)

    @property
    def on_gpu(self) -> bool:
        return any(device.type != "cpu" for device in self.devices)

    @property
    def batch_size(self) -> int:
        """Snippets per forward pass."""
        usual = max((backbone.spec.batch_size for backbone in self.backbones.values()), default=1)
        return self.config.batch_size or usual * (_GPU_BATCH if self.on_gpu else 1)

    def recipes(self, list_sha256: str = "") -> dict[str, Recipe]:
        """By modality, how its features are made.

        Args:
            list_sha256: hash of the list of videos, for the record.
        """
        return {name: self._recipe(name, list_sha256) for name in self.backbones}

    def _recipe(self, modality: str, list_sha256: str) -> Recipe:
        backbone, cut = self.backbones[modality], self.cuts[modality]
        is_flow = isinstance(cut, FlowCut)
        return Recipe(
            backbone=backbone.spec.name,
            weights=backbone.weights,
            weights_sha256=backbone.sha256,
            layer=backbone.spec.layer,
            dim=backbone.spec.dim,
            preprocessing=backbone.spec.preprocessing,
            snippet_length=cut.length,
            sampling=cut.sampling,
            views=self.config.views,
            flow=cut.flow if is_flow else None,
            flow_engine=cut.engine if is_flow else "",
            precision=self.precision,
            tool_version=__version__,
            device=",".join(map(str, self.devices)),
            list_sha256=list_sha256,
        )


def make_cut(
    config: ExtractConfig, modality: str, backbone: LoadedBackbone, device: torch.device
) -> Cut:
    """How a modality's snippets are cut for a backbone.

    Args:
        config: the options.
        modality: "rgb" or "flow".
        backbone: of that modality.
        device: that computes; it decides which flow engine "auto" is.

    Raises:
        InputError: a flow engine that cannot be had, or does not follow the flow's convention.
    """
    spec = backbone.spec
    clip = spec.snippet_length > 1
    if modality == "rgb":
        return FrameCut(
            config.sampling,
            spec.preprocessing,
            config.views,
            clip,
            length=spec.snippet_length,
            positions=config.positions,
        )
    if config.keep_flow:
        device = torch.device("cpu")  # where videos are decoded
    flow = FlowRecipe(
        parameters=config.flow, bound=config.flow_bound, quantised=not config.flow_float
    )
    limit = int(config.keep_flow_gb * 1e9)
    return FlowCut(
        config.sampling,
        spec.preprocessing,
        config.views,
        clip,
        length=spec.snippet_length if clip else FIELDS,
        positions=config.positions,
        engine=choose_engine(config.flow_engine, device, config.flow),
        flow=flow,
        cache=FlowCache.extend(config.keep_flow, flow, limit) if config.keep_flow else None,
    )
