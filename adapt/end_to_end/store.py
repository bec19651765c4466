"""What end-to-end runs of a grid train on: the videos that two feature files name."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...cache import FeatureFile, InputError, Provenance
from ...extract.backbones import LoadedBackbone, load_backbone
from ...extract.config import ExtractConfig, make_cut
from ...extract.cores import cores
from ...extract.cutting import Cut
from ...extract.flow.cache import FlowCache
from ...extract.flow.cutting import FlowCut
from ...extract.precision import DTYPES, choose_precision
from ..config import RunConfig
from ..domains import Domains, choose
from ..feed import Feed
from ..loop import new_method
from ..methods import entry
from ..oracle import train_on_target
from ..processes import Processes
from ..splits import split_videos
from ..store import Store
from .backbone import TrainedBackbone
from .clips import Clips
from .decoding import Decoding
from .feed import ClipFeed
from .memory import Need, need
from .videos import ClipVideos, all_videos

_CPU = torch.device("cpu")


class ClipStore(Store):
    """See `Store`. Feature files give videos, labels and splits; their features are not read.

    Args:
        source, target, task, device: as there.
        decoding: of clips.
    """

    def __init__(
        self,
        source: Path,
        target: Path,
        *,
        task: str | Path | None,
        device: torch.device,
        decoding: Decoding,
    ) -> None:
        super().__init__(source, target, task=task, device=device)
        self.decoding = decoding
        self._processes = Processes.join(device)
        self._backbones: dict[tuple[Any, ...], LoadedBackbone] = {}

    @property
    def processes(self) -> Processes:
        return self._processes

    def domains(self, run: RunConfig) -> Domains[ClipVideos]:
        domains = self.chosen(run)
        if entry(run.method).method.reads_target_labels:
            return train_on_target(domains, self.target)
        return domains

    def feed(self, run: RunConfig) -> Feed:
        options, loaded = run.end_to_end, self._backbone(run)
        module = copy.deepcopy(loaded.module)  # every run starts from it
        if options.sync_bn:
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
        backbone = TrainedBackbone(
            replace(loaded, module=module),
            self.device,
            precision=options.precision,
            batch_norm=options.batch_norm,
            trained=options.backbone_lr > 0,
        )
        return ClipFeed(
            run,
            self.domains(run),
            self.device,
            backbone=backbone,
            clips={
                "source": self._clips(run, self.source, self.decoding.source_flow),
                "target": self._clips(run, self.target, self.decoding.target_flow),
            },
            micro_batch=self._micro_batch(run),
            processes=self.processes,
        )

    def need(self, run: RunConfig) -> Need:
        """The memory that a step needs."""
        loaded, domains = self._backbone(run), self.domains(run)
        with torch.device("meta"):
            method = new_method(run, domains)
        source_positions = run.source_segments * method.snippets
        target_positions = run.target_segments * method.snippets
        bs = run.train.batch_size
        bt = run.train.target_batch_size(len(domains.source_train), len(domains.target_train))
        dtype = DTYPES[choose_precision(run.end_to_end.precision, self.device)]
        return need(
            loaded.module,
            method,
            self._cut(run).shape,
            images=max(source_positions, target_positions),
            of_batch=bs * source_positions + bt * target_positions,
            bytes_per_value=dtype.itemsize,
        )

    def notes(self, run: RunConfig) -> list[str]:
        need, micro_batch, batch = self.need(run), self._micro_batch(run), self._batch(run)
        passes = "in one pass" if micro_batch >= batch else f"{micro_batch} at once, in two passes"
        return [
            *super().notes(run),
            f"{run.end_to_end.backbone}: a step of {batch} videos {passes} needs about "
            f"{need.of(min(micro_batch, batch)) / 2**30:.1f} GiB; all at once "
            f"{need.of(batch) / 2**30:.1f} GiB.",
        ]

    def warnings(self, run: RunConfig) -> list[str]:
        return []

    def _batch(self, run: RunConfig) -> int:
        """Videos of a step that go through the backbone of this process."""
        domains, size = self.domains(run), run.train.batch_size
        target = run.train.target_batch_size(len(domains.source_train), len(domains.target_train))
        return (size + target) // self.processes.size

    def _micro_batch(self, run: RunConfig) -> int:
        given = run.end_to_end.micro_batch
        return given or self.need(run).micro_batch(self.device, self._batch(run))

    def _clips(self, run: RunConfig, file: FeatureFile, flow: Path | None) -> Clips:
        workers, cut = self.decoding.workers, self._cut(run)
        workers = cores() if workers is None else workers
        return Clips(
            file.videos,
            cut,
            flow=FlowCache.open(flow, str(cut)) if flow and run.modality == "flow" else None,
            flip=run.end_to_end.flip,
            workers=-(-workers // 2),  # the two domains share them
            pinned=self.device.type == "cuda",
        )

    def _seen(self, run: RunConfig) -> None:
        return None  # no features

    def _mode(self, run: RunConfig) -> dict[str, Any]:
        loaded = self._backbone(run)
        return {
            "backbone": loaded.spec.name,
            "weights": loaded.weights,
            "weights_sha256": loaded.sha256,
            "target_provenance": self._features(run).recipe(),
            "mode": "end to end",
        }

    def _features(self, run: RunConfig) -> Provenance:
        """How a new video gets the features that the method predicts from."""
        spec, cut = self._backbone(run).spec, self._cut(run)
        positions = run.target_segments * getattr(run.options, "snippets", 1)
        return Provenance(
            backbone=spec.name,
            weights=run.name,
            weights_sha256="",  # those of the run's own checkpoint
            layer=spec.layer,
            dim=spec.dim,
            preprocessing=str(spec.preprocessing),
            snippet_length=cut.sampling.length,
            sampling=f"uniform:{positions}",
            precision=choose_precision(run.end_to_end.precision, self.device),
            flow=str(cut) if isinstance(cut, FlowCut) else "",
        )

    def _load(self, run: RunConfig, device: torch.device) -> Domains[ClipVideos]:
        if run.end_to_end.sync_bn and self.device.type != "cuda":
            raise InputError("e2e.sync_bn=true is for GPUs: leave it out on a CPU")
        dim = self._backbone(run).spec.dim
        splits = split_videos(
            self.source.videos,
            self.target.videos,
            self.task,
            holdout=run.train.holdout,
            pool=run.train.target_pool,
        )
        source, target = all_videos(self.source, dim), all_videos(self.target, dim)
        return choose(splits, self.task, source, target)

    def _backbone(self, run: RunConfig) -> LoadedBackbone:
        options = run.end_to_end
        key = options.backbone, options.weights, run.modality
        if key not in self._backbones:
            self._backbones[key] = load_backbone(
                options.backbone, options.weights, modality=run.modality
            )
        return self._backbones[key]

    def _cut(self, run: RunConfig) -> Cut:
        config = ExtractConfig(modalities=(run.modality,), flow_engine="cpu")
        return make_cut(config, run.modality, self._backbone(run), _CPU)
