"""Batches of clips through the backbone, and their gradients back into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...extract.clip_dataset import ClipRequest
from ..batches import EndlessBatches, step_generator
from ..config import RunConfig
from ..domains import Domains
from ..feed import Batch, Feed, clip_gradients
from ..methods import Method, SourceBatch
from ..processes import Processes
from .backbone import TrainedBackbone
from .clips import Clips
from .two_passes import TwoPasses
from .videos import ClipVideos

_PREDICTED = 8  # videos at once


class ClipFeed(Feed):
    """See `Feed`. A random clip of each segment, cropped and mirrored as TSN does.

    Args:
        run, domains, device: as there.
        backbone: G_f.
        clips: of ``source`` and ``target``.
        micro_batch: videos that go through the backbone at once.
        processes: that train the run together.
    """

    domains: Domains[ClipVideos]

    def __init__(
        self,
        run: RunConfig,
        domains: Domains[ClipVideos],
        device: torch.device,
        *,
        backbone: TrainedBackbone,
        clips: Mapping[str, Clips],
        micro_batch: int,
        processes: Processes,
    ) -> None:
        super().__init__(run, domains, device)
        self.backbone, self.clips, self.processes = backbone, clips, processes
        self.writes = processes.rank == 0
        self.passes = TwoPasses(backbone, micro_batch, processes)
        self.scaler = torch.amp.GradScaler(device.type, enabled=backbone.precision == "fp16")

    def batches(self, steps: Iterable[int], snippets: int) -> Iterator[Batch]:
        steps, run, train = list(steps), self.run, self.domains.source_train
        source = self._requests(
            train, self.source_batches, 0, steps, run.source_segments * snippets
        )
        target = self._requests(
            self.domains.target_train, self.target_batches, 1, steps, run.target_segments * snippets
        )
        loaded = (
            self.clips["source"].training.load(source),
            self.clips["target"].training.load(target),
        )
        for step, *clips in zip(steps, *loaded, strict=True):
            self.backbone.train()
            fs, ft = self.passes.forward(clips, (run.seed, step))  # [Bs, P, D], [Bt, P, D]
            labels = train.labels[self.source_batches.batch(step)].to(self.device)
            generator = step_generator(run.seed, step, self.device)
            yield Batch(SourceBatch(fs, labels), ft, generator)

    def parameter_groups(self, method: Method) -> list[tuple[list[nn.Parameter], float]]:
        groups, trained = super().parameter_groups(method), self.backbone.parameters
        return [*groups, (trained, self.run.end_to_end.backbone_lr)] if trained else groups

    def update(self, total: Tensor, optimiser: torch.optim.Optimizer, clip_norm: float) -> None:
        optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(total).backward()
        self.passes.backward()
        self.scaler.unscale_(optimiser)
        clip_gradients(optimiser, clip_norm)
        self.scaler.step(optimiser)
        self.scaler.update()

    @torch.inference_mode()
    def predict(self, method: Method, name: str) -> Tensor:
        domain, videos = name.partition("_")[0], self.domains.prediction_sets[name]
        positions = (0.5,) * (self.run.target_segments * method.snippets)
        mine = self.processes.part(videos.rows)
        chunks = (mine[n : n + _PREDICTED] for n in range(0, len(mine), _PREDICTED))
        requests = ([ClipRequest(row, positions, None) for row in chunk] for chunk in chunks)
        self.backbone.eval()
        logits = [torch.empty(0, len(self.domains.task.classes))]
        for images in self.clips[domain].predicting.load(requests):  # [b, P, ...]
            features = self.backbone.features(images.to(self.device).flatten(0, 1))  # [b P, D]
            predicted = method.predict(features.unflatten(0, images.shape[:2]))  # [b, C]
            logits.append(predicted.float().cpu())
        return self.processes.gather_rows(torch.cat(logits))

    def state_dict(self) -> dict[str, Any]:
        return {"backbone": self.backbone.module.state_dict(), "scaler": self.scaler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.backbone.module.load_state_dict(state["backbone"])
        self.scaler.load_state_dict(state["scaler"])

    def checkpoint(self) -> dict[str, Any]:
        return {"backbone": self.backbone.module.state_dict()}

    def _requests(
        self,
        videos: ClipVideos,
        batches: EndlessBatches,
        domain: int,
        steps: Iterable[int],
        positions: int,
    ) -> Iterator[list[ClipRequest]]:
        """What this process cuts in each step: a random place in each segment, a crop for each
        video."""
        augmented = self.run.end_to_end.crops == "multiscale"
        share = self.processes.share(batches.batch_size)
        for step in steps:
            rng = np.random.default_rng((self.run.seed, domain, step))
            rows = batches.batch(step)
            places = rng.random((len(rows), positions))
            crops = rng.integers(2**31, size=len(rows))
            yield [
                ClipRequest(
                    videos.rows[rows[n]], tuple(places[n]), int(crops[n]) if augmented else None
                )
                for n in range(len(rows))[share]
            ]
