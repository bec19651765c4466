"""Batches of clips through the backbone, and their gradients back into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...cache import Video
from ...extract.clip_loader import ClipLoader, ClipRequest
from ...extract.cutting import Cut
from ..batches import EndlessBatches, step_generator
from ..config import RunConfig
from ..domains import Domains
from ..feed import Batch, Feed, clip_gradients
from ..methods import Method, SourceBatch
from .backbone import TrainedBackbone
from .two_passes import TwoPasses
from .videos import ClipVideos

_PREDICTED = 8  # videos at once


@dataclass(frozen=True)
class Clips:
    """The clips of one domain.

    Args:
        videos: all of the feature file.
        cut: how a clip is cut.
        flow: where its flow fields are kept, if they are.
        workers: processes that decode.
        time_limit: seconds that a video may take.
    """

    videos: list[Video]
    cut: Cut
    flow: Any = None
    workers: int = 0
    time_limit: float = 120.0

    def loader(self) -> ClipLoader:
        return ClipLoader(
            self.videos,
            self.cut,
            flow=self.flow,
            workers=self.workers,
            time_limit=self.time_limit,
        )


class ClipFeed(Feed):
    """See `Feed`. A random clip of each segment, cropped and mirrored as TSN does.

    Args:
        run, domains, device: as there.
        backbone: G_f.
        clips: of ``source`` and ``target``.
        micro_batch: videos that go through the backbone at once.
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
    ) -> None:
        super().__init__(run, domains, device)
        self.backbone, self.clips = backbone, clips
        self.passes = TwoPasses(backbone, micro_batch)
        self.scaler = torch.amp.GradScaler(device.type, enabled=backbone.precision == "fp16")

    def batches(self, steps: Iterable[int], snippets: int) -> Iterator[Batch]:
        steps = list(steps)
        source, target = (self._load(domain, steps, snippets) for domain in ("source", "target"))
        labels = self.domains.source_train.labels
        for step, *clips in zip(steps, source, target, strict=True):
            self.backbone.train()
            fs, ft = self.passes.forward(clips, (self.run.seed, step))
            chosen = labels[self.source_batches.batch(step)].to(self.device)
            generator = step_generator(self.run.seed, step, self.device)
            yield Batch(SourceBatch(fs, chosen), ft, generator)

    def parameter_groups(self, method: Method) -> list[tuple[list[nn.Parameter], float]]:
        groups = super().parameter_groups(method)
        trained = self.backbone.parameters
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
        videos = self.domains.prediction_sets[name]
        clips = self.clips[name.partition("_")[0]]
        positions = (0.5,) * (self.run.target_segments * method.snippets)
        rows = [videos.rows[n : n + _PREDICTED] for n in range(0, len(videos), _PREDICTED)]
        requests = ([ClipRequest(row, positions, None) for row in chunk] for chunk in rows)
        self.backbone.eval()
        logits = []
        for images in clips.loader().load(requests):  # [b, P, ...]
            features = self.backbone.features(images.to(self.device).flatten(0, 1))  # [b P, D]
            logits.append(method.predict(features.unflatten(0, images.shape[:2])))
        return torch.cat(logits).float().cpu()

    def state_dict(self) -> dict[str, Any]:
        return {"backbone": self.backbone.module.state_dict(), "scaler": self.scaler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.backbone.module.load_state_dict(state["backbone"])
        self.scaler.load_state_dict(state["scaler"])

    def checkpoint(self) -> dict[str, Any]:
        return {"backbone": self.backbone.module.state_dict()}

    def _load(self, domain: str, steps: list[int], snippets: int) -> Iterator[Tensor]:
        """The clips of every step's batch, [B, P, ...] uint8."""
        videos, batches, segments = {
            "source": (
                self.domains.source_train,
                self.source_batches,
                self.run.source_segments,
            ),
            "target": (
                self.domains.target_train,
                self.target_batches,
                self.run.target_segments,
            ),
        }[domain]
        place = (self.run.seed, ("source", "target").index(domain))
        requests = (_requests(videos, batches, step, segments * snippets, place) for step in steps)
        return self.clips[domain].loader().load(requests)


def _requests(
    videos: ClipVideos, batches: EndlessBatches, step: int, positions: int, seed: tuple[int, int]
) -> list[ClipRequest]:
    """What is cut for a step: a random place in each segment, and a crop for each video."""
    rng = np.random.default_rng((*seed, step))
    return [
        ClipRequest(videos.rows[n], tuple(rng.random(positions)), int(rng.integers(2**31)))
        for n in batches.batch(step)
    ]
