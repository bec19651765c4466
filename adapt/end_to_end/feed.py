"""Segment features of clips, computed by the backbone that is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...cache import InputError
from ..config.options import RunConfig
from ..data.batches import EndlessBatches, step_generator
from ..data.domains import Domains
from ..data.feeds import Batch, Feed, clip_gradients
from ..methods import Method, SourceBatch
from ..training.health import Finding
from ..training.processes import Processes
from ..training.snapshot import require_alike
from .backbone import TrainedBackbone
from .clips.loader import ClipLoader
from .clips.reader import ClipRequest
from .clips.videos import ClipVideos
from .gradient_cache import GradientCache
from .options import EndToEnd

_PREDICTED = 8  # videos predicted at once
_CLIPS = 2  # tells the random numbers of clips from those of `EndlessBatches`


class _Stream(NamedTuple):
    """What a domain contributes to every batch: its next videos, ``positions`` clips of each."""

    videos: ClipVideos
    batches: EndlessBatches
    positions: int


class ClipFeed(Feed):
    """A random clip of each segment, cropped and mirrored as in TSN; see `Feed`.

    Args:
        run, domains, device: as in `Feed`.
        backbone: G_f.
        loaders: of the clips of ``source`` and ``target``.
        micro_batch: images or clips that go through the backbone at once.
        processes: those that train the run together.
    """

    domains: Domains[ClipVideos]

    def __init__(
        self,
        run: RunConfig,
        domains: Domains[ClipVideos],
        device: torch.device,
        *,
        backbone: TrainedBackbone,
        loaders: Mapping[str, ClipLoader],
        micro_batch: int,
        processes: Processes,
    ) -> None:
        super().__init__(run, domains, device)
        self.backbone, self.loaders, self.processes = backbone, loaders, processes
        self.writes = processes.rank == 0
        self.gradient_cache = GradientCache(backbone, micro_batch, processes)
        self.scaler = torch.amp.GradScaler(device.type, enabled=backbone.precision == "fp16")
        self._loading: list[Iterator[Tensor]] = []  # of each domain; none where given up
        self.failed: dict[str, str] = {}  # why, by training video that was replaced by zeros

    def batches(self, steps: range, method: Method) -> Iterator[Batch]:
        run, domains, m = self.run, self.domains, method.snippets
        source_labels = domains.source_train.labels
        if source_labels is None:
            raise ValueError("source videos without labels")
        streams = [_Stream(domains.source_train, self.source_batches, run.source_segments * m)]
        if method.uses_target:
            target = _Stream(domains.target_train, self.target_batches, run.target_segments * m)
            streams.append(target)
        for step in steps:
            if not self._loading:  # at the start, and after a prediction
                self._loading = [
                    self.loaders[stream.videos.domain].load(
                        self._requests(stream, number, range(step, steps.stop))
                    )
                    for number, stream in enumerate(streams)
                ]
            clips = [next(loading) for loading in self._loading]
            for domain in (stream.videos.domain for stream in streams):
                for id_, why in self.loaders[domain].failed.items():
                    self.failed[f"{id_} of the {domain}"] = why
            self.backbone.train()
            fs, *ft = self.gradient_cache.forward(clips, (run.seed, step))  # [Bs, P, D], [Bt, P, D]
            labels = source_labels[self.source_batches.batch(step)].to(self.device)  # [Bs]
            generator = step_generator(run.seed, step, self.device)
            several = fs.shape[0] * fs.shape[1] > 1
            logs = {"feature_spread": feature_spread(fs)} if several else {}
            yield Batch(SourceBatch(fs, labels), ft[0] if ft else fs[:0], generator, logs)

    def parameter_groups(self, method: Method) -> list[tuple[list[nn.Parameter], float]]:
        return [*super().parameter_groups(method), *self.backbone.parameter_groups]

    def update(self, total: Tensor, optimiser: torch.optim.Optimizer, clip_norm: float) -> None:
        optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(total).backward()
        self.gradient_cache.backward()
        of_method = optimiser.param_groups[0]["params"]
        self.processes.average_gradients(of_method)  # equal but for rounding
        self.scaler.unscale_(optimiser)
        clip_gradients(optimiser, clip_norm)
        self.scaler.step(optimiser)
        self.scaler.update()

    @torch.inference_mode()
    def predict(self, method: Method, name: str) -> Tensor:
        videos = self.domains.prediction_sets[name]
        loader, self._loading = self.loaders[videos.domain], []
        positions = (0.5,) * (self.run.target_segments * method.snippets)
        mine = self.processes.part(videos.rows)
        chunks = (mine[n : n + _PREDICTED] for n in range(0, len(mine), _PREDICTED))
        requests = ([ClipRequest(row, positions, None) for row in chunk] for chunk in chunks)
        self.processes.broadcast_buffers(self.backbone.module)
        self.backbone.eval()
        logits = [torch.empty(0, len(self.domains.task.classes))]
        for images in loader.load(requests):  # [b, P, ...]
            features = self.backbone.features(images.to(self.device).flatten(0, 1))  # [b P, D]
            predicted = method.predict(features.unflatten(0, images.shape[:2]))  # [b, C]
            logits.append(predicted.float().cpu())
        for id_, why in loader.failed.items():
            raise InputError(
                f"{id_} cannot be read any more ({why}), so it cannot be predicted: restore it and "
                "repeat the command to continue"
            )
        self.failed = self.processes.all_union(self.failed)
        return self.processes.gather_rows(torch.cat(logits))

    def counts(self) -> dict[str, float]:
        return {"unreadable_videos": len(self.failed)} if self.failed else {}

    def findings(self) -> list[Finding]:
        if not self.failed:
            return []
        first, why = next(iter(self.failed.items()))
        count = len(self.failed)
        text = f"{count} training videos could not be read and were black, as {first} ({why})"
        return [Finding("unreadable videos", text, "fix them and retrain")]

    def state_dict(self) -> dict[str, Any]:
        return {
            "failed": dict(self.failed),
            "backbone": self.backbone.module.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        fresh, failed = self.state_dict(), state["failed"]
        if not isinstance(failed, dict) or not all(
            isinstance(text, str) for item in failed.items() for text in item
        ):
            raise ValueError("feed.failed is no table of texts")
        require_alike(state, {**fresh, "failed": failed}, "feed")
        self.failed = dict(failed)
        self.backbone.module.load_state_dict(state["backbone"])
        self.scaler.load_state_dict(state["scaler"])

    def checkpoint(self) -> dict[str, Any]:
        return {"backbone": self.backbone.module.state_dict()}

    def _requests(self, stream: _Stream, number: int, steps: range) -> Iterator[list[ClipRequest]]:
        """What this process decodes for each step: a random position in each segment, and one crop
        for each video."""
        augmented = options_of(self.run).crops == "multiscale"
        share = self.processes.share(stream.batches.batch_size)
        for step in steps:
            rng = np.random.default_rng((self.run.seed, _CLIPS + number, step))
            rows = stream.batches.batch(step)
            places = rng.random((len(rows), stream.positions))
            crops = rng.integers(2**31, size=len(rows))
            yield [
                ClipRequest(
                    stream.videos.rows[rows[n]],
                    tuple(places[n]),
                    int(crops[n]) if augmented else None,
                )
                for n in range(len(rows))[share]
            ]


def options_of(run: RunConfig) -> EndToEnd:
    """The end-to-end options of an end-to-end run."""
    if run.end_to_end is None:
        raise ValueError(f"{run.name} is not trained end to end")
    return run.end_to_end


@torch.no_grad()
def feature_spread(f: Tensor) -> Tensor:
    """How different features of clips [B, P, D] are: the norm of their differences from their mean
    as a share of their norm, 0 to 1."""
    f = f.flatten(0, 1)  # [B P, D]
    return (f - f.mean(0)).norm() / f.norm().clamp(min=1e-12)
