"""An extraction ready to run: weights loaded, every "auto" resolved, each backbone tried once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ... import __version__
from ...cache.errors import InputError
from ...cache.recipe import Recipe
from ..backbones import LoadedBackbone, load_backbone
from ..backbones.spec import BackboneSpec
from ..backbones.trial import try_backbone
from ..flow.cache import FlowCache
from ..flow.cutting import FlowCut
from ..flow.fields import FIELDS, ON_DEVICE
from ..flow.tvl1 import choose_engine
from ..machine.devices import choose_devices
from ..machine.machine import Machine
from ..machine.precision import choose_precision
from ..snippets.cutting import Cut, FrameCut
from ..snippets.reading import Reading
from .options import ExtractOptions

_GPU_BATCH = 8  # times the batch of a CPU


@dataclass(frozen=True)
class Plan:
    """How videos become features on this machine.

    Args:
        options: what decides the features.
        machine: what computes them.
        backbones: by modality.
        cuts: how each modality's snippets are cut.
        signed: whether each modality's features may be negative.
        devices: that compute.
        precision: "fp32", "bf16" or "fp16".
    """

    options: ExtractOptions
    machine: Machine
    backbones: Mapping[str, LoadedBackbone]
    cuts: Mapping[str, Cut]
    signed: Mapping[str, bool]
    devices: tuple[torch.device, ...]
    precision: str

    @classmethod
    def make(cls, options: ExtractOptions, machine: Machine | None = None) -> Plan:
        """Load the backbones and try each on a batch of zeros.

        Raises:
            InputError: no such device, wrong weights, a backbone that takes no flow or does not
                give what it promises, or a flow engine that is unavailable or does not follow the
                flow's convention.
        """
        machine = machine or Machine()
        _check_kept_flow(options, machine)
        devices = tuple(choose_devices(machine.device))
        precision = choose_precision(options.precision, devices[0])
        backbones: dict[str, LoadedBackbone] = {}
        cuts: dict[str, Cut] = {}
        signed: dict[str, bool] = {}
        for modality in options.modalities:
            weights = (modality == "flow" and options.flow_weights) or options.weights
            backbone = load_backbone(options.backbone, weights, modality=modality)
            if modality == "flow":
                cut: Cut = _flow_cut(options, backbone, machine, devices[0])
            else:
                cut = make_cut(options, modality, backbone)
            signed[modality] = try_backbone(backbone, cut.shape)
            backbones[modality], cuts[modality] = backbone, cut
        return cls(options, machine, backbones, cuts, signed, devices, precision)

    @property
    def reading(self) -> Reading:
        """What the decoding processes are told."""
        machine = self.machine
        return Reading(self.cuts, machine.decoder, machine.min_frames, self.options.windows)

    @property
    def on_gpu(self) -> bool:
        return any(device.type != "cpu" for device in self.devices)

    @property
    def batch_size(self) -> int:
        """Snippets per forward pass."""
        usual = max((backbone.spec.batch_size for backbone in self.backbones.values()), default=1)
        return self.machine.batch_size or usual * (_GPU_BATCH if self.on_gpu else 1)

    def recipes(self, list_sha256: str = "") -> dict[str, Recipe]:
        """By modality, how its features are made.

        Args:
            list_sha256: hash of the list of videos, for the record.
        """
        return {name: self._recipe(name, list_sha256) for name in self.backbones}

    def _recipe(self, modality: str, list_sha256: str) -> Recipe:
        backbone, cut = self.backbones[modality], self.cuts[modality]
        published = backbone.published
        flow_cut = cut if isinstance(cut, FlowCut) else None
        return Recipe(
            backbone=backbone.spec.name,
            weights=backbone.weights,
            weights_sha256=backbone.sha256,
            layer=backbone.spec.layer,
            dim=backbone.spec.dim,
            preprocessing=backbone.spec.preprocessing,
            snippet_length=cut.length,
            clip_rate=cut.rate,
            sampling=cut.sampling,
            windows=self.options.windows,
            views=self.options.views,
            flow=flow_cut.flow if flow_cut else None,
            flow_engine=flow_cut.engine if flow_cut else "",
            precision=self.precision,
            licence=published.licence if published else "",
            revision=published.revision if published else "",
            signed=self.signed[modality],
            plugin=backbone.spec.plugin,
            tool_version=__version__,
            device=",".join(map(str, self.devices)),
            list_sha256=list_sha256,
        )


def make_cut(
    options: ExtractOptions,
    modality: str,
    backbone: LoadedBackbone,
    *,
    engine: str = "cpu",
    cache: FlowCache | None = None,
) -> Cut:
    """How a modality's snippets are cut for a backbone.

    Args:
        options: sampling, rate of clips, views and flow.
        modality: "rgb" or "flow".
        backbone: of that modality.
        engine: that computes flow; not "auto".
        cache: of flow.

    Raises:
        InputError: a rate of clips for a backbone that takes images.
    """
    spec = backbone.spec
    clip = spec.snippet_length > 1
    rate = _clip_rate(options, spec)
    if modality == "rgb":
        return FrameCut(
            options.sampling,
            spec.preprocessing,
            options.views,
            clip,
            length=spec.snippet_length,
            rate=rate,
            positions=options.positions,
        )
    return FlowCut(
        options.sampling,
        spec.preprocessing,
        options.views,
        clip,
        length=spec.snippet_length if clip else FIELDS,
        rate=rate,
        positions=options.positions,
        engine=engine,
        flow=options.flow,
        cache=cache,
    )


def _clip_rate(options: ExtractOptions, spec: BackboneSpec) -> float | None:
    asked = options.clip_rate
    if asked == "trained":
        return spec.clip_rate
    if asked == "consecutive":
        return None
    if spec.snippet_length == 1:
        raise InputError(f"--clip-rate {asked:g}: {spec.name} takes single frames: leave it out")
    return asked


def _flow_cut(
    options: ExtractOptions, backbone: LoadedBackbone, machine: Machine, device: torch.device
) -> Cut:
    """Of flow that ``machine`` computes, and keeps if it has a folder for it."""
    if machine.keep_flow:
        device = torch.device("cpu")  # where videos are decoded
    engine = choose_engine(machine.flow_engine, device, options.flow.parameters)
    cache = None
    if machine.keep_flow:
        limit = int(machine.keep_flow_gb * 1e9)
        cache = FlowCache.extend(machine.keep_flow, options.flow, limit)
    return make_cut(options, "flow", backbone, engine=engine, cache=cache)


def _check_kept_flow(options: ExtractOptions, machine: Machine) -> None:
    if not machine.keep_flow:
        return
    if "flow" not in options.modalities or not options.flow.quantised:
        raise InputError("a flow cache takes 8-bit flow: give --modality flow, no --flow-float")
    if machine.flow_engine in ON_DEVICE:
        raise InputError(
            f"the engine {machine.flow_engine} does not run where videos are decoded and flow is "
            "kept: leave out --flow-engine or --keep-flow"
        )
