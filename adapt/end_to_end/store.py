"""What end-to-end runs of a grid are trained on: clips of the videos that two files name."""

from __future__ import annotations

import copy
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ...cache import FeatureFile, InputError, Recipe
from ...cache.common.counts import counted
from ...cache.common.machine.cores import cores
from ...cache.common.machine.memory import free_memory
from ...cache.recipe import Sampling
from ...extract.backbones import LoadedBackbone, load_backbone
from ...extract.backbones.trial import try_backbone
from ...extract.decoding.server import ForkServer, fork_server
from ...extract.features.options import ExtractOptions
from ...extract.features.plan import make_cut
from ...extract.flow.cache import FlowCache
from ...extract.flow.cutting import FlowCut
from ...extract.flow.tvl1 import choose_engine
from ...extract.machine.precision import DTYPES
from ...extract.snippets.cutting import Cut
from ...extract.snippets.timeline import untimed_note
from ..config.options import RunConfig
from ..data.domains import Domains, choose
from ..data.feeds import Feed
from ..data.splits import split_videos
from ..data.store import Store
from ..methods import entry
from ..run.data_record import DataRecord
from ..run.record import RunRecord
from ..training.new_method import new_method
from ..training.processes import Processes
from .backbone import TrainedBackbone, depth_note, synchronised, training_precision
from .clips.kept_flow import flow_recipe
from .clips.loader import ClipLoader
from .clips.videos import ClipVideos, all_videos
from .decoding import Decoding
from .feed import ClipFeed, options_of
from .memory.note import memory_note
from .memory.step import Need, need


class ClipStore(Store):
    """Clips of the videos that two feature files name; see `Store`. Features are not read.

    Args:
        source, target, task, device, exact_labels: as in `Store`.
        decoding: how clips are decoded.
    """

    def __init__(
        self,
        source: Path,
        target: Path,
        *,
        task: str | Path | None,
        device: torch.device,
        decoding: Decoding,
        exact_labels: bool = False,
    ) -> None:
        super().__init__(source, target, task=task, device=device, exact_labels=exact_labels)
        self.decoding = decoding
        self._processes = Processes.join(device)
        self._backbones: dict[tuple[Any, ...], LoadedBackbone] = {}
        self._sketches: dict[RunConfig, TrainedBackbone] = {}
        self._needs: dict[RunConfig, Need] = {}
        self._micro_batches: dict[RunConfig, int] = {}
        self._resumed: set[RunConfig] = set()
        self._flows: dict[str, FlowCache] = {}
        self._server: ForkServer | None = None  # of all runs' decoding processes

    @property
    def processes(self) -> Processes:
        return self._processes

    def feed(self, run: RunConfig) -> Feed:
        if self.decoding.workers != 0:
            self._server = fork_server()  # starts while the backbone is loaded
        return ClipFeed(
            run,
            self.domains(run),
            self.device,
            backbone=self._trained(run, self.device),
            loaders={
                "source": self._loader(run, "source"),
                "target": self._loader(run, "target"),
            },
            micro_batch=self.micro_batch(run),
            processes=self.processes,
        )

    def resume_from(self, run: RunConfig, begun: RunRecord | None) -> None:
        """Keep the micro-batch that the run began with, unless another is given now."""
        at_once = self.processes.broadcast(begun.data.micro_batch if begun else None)
        if at_once and not options_of(run).micro_batch:
            self._micro_batches[run] = at_once
            self._resumed.add(run)

    def describe(self, run: RunConfig, begun: RunRecord | None = None) -> DataRecord:
        return replace(super().describe(run, begun), micro_batch=self.micro_batch(run))

    def need(self, run: RunConfig) -> Need:
        """The memory that a step needs."""
        if run not in self._needs:
            with torch.device("meta"):
                method = new_method(run, self.domains(run))
            dtype = DTYPES[training_precision(options_of(run).precision, self.device)]
            estimate = partial(
                need,
                others=method,
                image=self._cut(run).shape,
                of_batch=sum(self._images(run)),
                bytes_per_value=dtype.itemsize,
            )
            sketch = self._sketch(run)
            try:
                self._needs[run] = estimate(sketch.module)
            except Exception:  # whatever a module of the user's own raises without values
                self._needs[run] = estimate(self._trained(run, torch.device("cpu")).module)
        return self._needs[run]

    def micro_batch(self, run: RunConfig) -> int:
        """Images or clips that go through this process's backbone at once."""
        if run not in self._micro_batches:
            given = options_of(run).micro_batch
            self._micro_batches[run] = given or self._fitting(run)
        return self._micro_batches[run]

    def notes(self, run: RunConfig) -> list[str]:
        options, at_once = options_of(run), self.micro_batch(run)
        memory = memory_note(
            self.need(run),
            batch=sum(self._images(run)),
            at_once=min(at_once, sum(self._images(run))),
            kind="clips" if len(self._cut(run).shape) > 3 else "images",
            free=free_memory(self.device),
            resumed=run in self._resumed,
        )
        notes = [*super().notes(run), f"{options.backbone}: {memory}"]
        sketch = self._sketch(run)
        if options.backbone_lr and (options.freeze or options.layer_decay < 1):
            notes.append(depth_note(sketch))
        if at_once < max(self._images(run)) and sketch.norms:
            notes.append(
                f"Trained batch norms normalise every {at_once} by themselves: results depend on "
                f"e2e.micro_batch={at_once}, which config.json keeps."
            )
        untimed = sum(not video.fps for video in (*self.source.videos, *self.target.videos))
        if untimed and (rate := self._cut(run).rate):
            notes.append(untimed_note(untimed, rate))
        if options.sync_bn and (self.processes.size == 1 or not sketch.norms):
            one = self.processes.size == 1
            why = "one process trains" if one else "no batch norm is trained"
            notes.append(f"e2e.sync_bn does nothing: {why}.")
        if run.modality == "flow":
            notes += [self._flow_note(run, "source"), self._flow_note(run, "target")]
        return notes

    def _flow_note(self, run: RunConfig, domain: str) -> str:
        kept, videos = self._kept(run, domain), self._file(domain).videos
        there = 0 if kept is None else sum(video.id in kept for video in videos)
        return f"{domain}: the flow of {there} of {counted(len(videos), 'video')} is kept."

    def _file(self, domain: str) -> FeatureFile:
        return self.source if domain == "source" else self.target

    def _prepared(self, run: RunConfig) -> Domains[ClipVideos]:
        return self.chosen(run)

    def _images(self, run: RunConfig) -> tuple[int, int]:
        """Source and target images of a step that go through this process's backbone."""
        domains, size = self.chosen(run), run.train.batch_size
        method, snippets = entry(run.method).method, getattr(run.options, "snippets", 1)
        target = run.train.target_batch_size(len(domains.source_train), len(domains.target_train))
        shares = [len(range(n)[self.processes.share(n)]) for n in (size, target)]
        return (
            shares[0] * run.source_segments * snippets,
            shares[1] * run.target_segments * snippets * method.uses_target,
        )

    def _fitting(self, run: RunConfig) -> int:
        """What fits into the memory of every process."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()  # what earlier runs have left
        fits = self.need(run).micro_batch(self.device, sum(self._images(run)))
        return self.processes.all_min(fits)

    def _loader(self, run: RunConfig, domain: str) -> ClipLoader:
        workers = cores() if self.decoding.workers is None else self.decoding.workers
        loaders = 2 * int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # both domains, all processes
        return ClipLoader(
            # No target label reaches a loader.
            [replace(video, label="") for video in self._file(domain).videos],
            self._cut(run),
            flow=self._kept(run, domain),
            flip=options_of(run).flip,
            workers=-(-workers // loaders),
            ahead=2 * run.train.batch_size // self.processes.size,
            device=self.device,
        )

    def _kept(self, run: RunConfig, domain: str) -> FlowCache | None:
        """The kept flow of a domain."""
        flows = {"source": self.decoding.source_flow, "target": self.decoding.target_flow}
        folder = flows[domain]
        if folder is None or run.modality != "flow":
            return None
        cut = self._cut(run)
        if domain not in self._flows and isinstance(cut, FlowCut):
            cache = FlowCache.open(folder, cut.flow)
            cache.require(self._file(domain).videos)
            self._flows[domain] = cache
        return self._flows[domain]

    def _seen(self, run: RunConfig) -> None:
        return None  # no features

    def _features(self, run: RunConfig) -> dict[str, Any]:
        loaded = self._backbone(run)
        return {
            "backbone": loaded.spec.name,
            "weights": loaded.weights,
            "weights_sha256": loaded.sha256,
            "recipe": self._recipe(run),
            "mode": "end to end",
        }

    def _recipe(self, run: RunConfig) -> Recipe:
        """How a new video gets the features that the method predicts from."""
        spec, cut = self._backbone(run).spec, self._cut(run)
        positions = run.target_segments * getattr(run.options, "snippets", 1)
        return Recipe(
            backbone=spec.name,
            weights=run.name,
            weights_sha256="",  # they are in the run's own checkpoint
            layer=spec.layer,
            dim=spec.dim,
            preprocessing=spec.preprocessing,
            snippet_length=cut.length,
            clip_rate=cut.rate,
            sampling=Sampling("uniform", positions),
            precision=training_precision(options_of(run).precision, self.device),
            flow=cut.flow if isinstance(cut, FlowCut) else None,
            flow_engine=cut.engine if isinstance(cut, FlowCut) else "",
            plugin=spec.plugin,
        )

    def _load(self, run: RunConfig) -> Domains[ClipVideos]:
        several_cpus = self.processes.size > 1 and self.device.type != "cuda"
        if options_of(run).sync_bn and several_cpus:
            raise InputError("e2e.sync_bn=true is for GPUs: leave it out on CPUs")
        splits = split_videos(
            self.source.videos,
            self.target.videos,
            self.task,
            holdout=run.train.holdout,
            pool=run.train.target_pool,
        )
        for domain in ("source", "target"):
            self._kept(run, domain)  # refuses the flow of other videos
        backbone = self._backbone(run)
        try_backbone(backbone, self._cut(run).shape)
        dim = backbone.spec.dim
        source = all_videos(self.source, "source", dim)
        target = all_videos(self.target, "target", dim)
        sizes = len(splits.source_train), len(splits.target_train)
        for size in (run.train.batch_size, run.train.target_batch_size(*sizes)):
            self.processes.share(size)  # refuses a batch that cannot be divided
        return choose(splits, self.task, source, target)

    def _trained(self, run: RunConfig, device: torch.device) -> TrainedBackbone:
        """The backbone before a run's first step, for itself, in training mode."""
        options, loaded = options_of(run), self._backbone(run)
        module = copy.deepcopy(loaded.module)
        if options.sync_bn and self.processes.size > 1 and device == self.device:
            module = synchronised(module, loaded.spec.name)
        trained = TrainedBackbone(replace(loaded, module=module), device, options)
        trained.train()
        return trained

    def _sketch(self, run: RunConfig) -> TrainedBackbone:
        """The same without values, which tells what is trained and how much memory that takes."""
        if run not in self._sketches:
            self._sketches[run] = self._trained(run, torch.device("meta"))
        return self._sketches[run]

    def _backbone(self, run: RunConfig) -> LoadedBackbone:
        options = options_of(run)
        key = options.backbone, options.weights, run.modality
        if key not in self._backbones:
            loaded = load_backbone(options.backbone, options.weights, modality=run.modality)
            try_backbone(loaded, make_cut(ExtractOptions(), run.modality, loaded).shape)
            self._backbones[key] = loaded
        return self._backbones[key]

    def _cut(self, run: RunConfig) -> Cut:
        backbone = self._backbone(run)
        if run.modality != "flow":
            return make_cut(ExtractOptions(), run.modality, backbone)
        flow = flow_recipe(self.decoding.kept_flow, self.decoding.flow_engine)
        engine = choose_engine(self.decoding.flow_engine, self.device, flow.parameters)
        return make_cut(ExtractOptions(flow=flow), "flow", backbone, engine=engine)
