"""Videos to one feature file: decode, batch across videos, run the backbone, commit.

Three things happen at once: processes decode, threads run the backbone, a thread writes. This
module only hands on between them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from .. import __version__
from ..cache import Failure, FeatureWriter, InputError, Provenance, Snippets, Video
from .backbones import BackboneSpec, LoadedBackbone, load_backbone
from .batching import Batch, Batcher
from .cores import cores
from .decode_pool import Answer, DecodePool
from .decoders import DECODERS, DecodeError
from .devices import Devices, choose_devices
from .lists import VideoItem, list_sha256, printable
from .precision import DTYPES, choose_precision
from .sampling import Sampling
from .snippets import Decoded, Reading
from .views import Views

_UNWRITTEN = 64  # videos that may wait for the writer
_GPU_BATCH = 8  # times the batch of a CPU
_MOST_WORKERS = 16  # unless the user asks for more
_TICK = 1.0  # seconds


@dataclass(frozen=True, kw_only=True)
class ExtractConfig:
    """Options of an extraction.

    Args:
        backbone: a name of the registry.
        weights: None for the published ones, a checkpoint file, or "random".
        sampling: which frames become snippets; the backbone decides their length.
        views: which crops and flips of a frame are stored.
        decoder: "auto", "pyav" or "decord".
        device: "auto", "cpu", "cuda", "cuda:0,cuda:1", ...
        precision: "auto", "fp32", "bf16" or "fp16".
        batch_size: snippets per forward pass, always exactly this many; None for the backbone's.
        workers: decoding processes; None for one per core, 0 to decode in this process.
        time_limit: seconds that a video may go without a new frame before it is given up.
        min_frames: a video of which fewer decode has failed.
        retry_failed: take the videos that failed before, and no others.
    """

    backbone: str = "efficientnet_lite0"
    weights: str | None = None
    sampling: Sampling = Sampling("uniform", 32)
    views: Views = Views()
    decoder: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    batch_size: int | None = None
    workers: int | None = None
    time_limit: float = 120.0
    min_frames: int = 16
    retry_failed: bool = False

    def reading(self, spec: BackboneSpec) -> Reading:
        """How the backbone's videos are read."""
        sampling = replace(self.sampling, length=spec.snippet_length)
        return Reading(sampling, spec.preprocessing, self.views, self.decoder, self.min_frames)

    def batch(self, spec: BackboneSpec, devices: Sequence[torch.device]) -> int:
        """Snippets per forward pass."""
        return self.batch_size or spec.batch_size * (_GPU_BATCH if _on_gpu(devices) else 1)

    def __post_init__(self) -> None:
        if self.time_limit <= 0 or self.min_frames < 1 or (self.workers or 0) < 0:
            raise InputError(
                "time_limit must be above 0, min_frames at least 1, workers not below 0"
            )
        if self.decoder not in DECODERS:
            raise InputError(f"decoder '{self.decoder}' is not one of {', '.join(DECODERS)}")


@dataclass(frozen=True)
class Progress:
    """How far an extraction is: videos to do, done (of them damaged), failed; images run."""

    todo: int
    before: int  # videos that were in the file already
    unlisted: int = 0  # of them, those that the list does not name
    done: int = 0
    damaged: int = 0
    failed: int = 0
    images: int = 0


def extract(
    items: Sequence[VideoItem],
    output: str | Path,
    config: ExtractConfig,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> list[Failure]:
    """Extract the features of ``items`` into the feature file ``output``, or extend it.

    Videos that the file holds already are skipped. A video that cannot be read is recorded as a
    failure and the rest goes on.

    Args:
        items: the videos.
        output: the feature file.
        config: options.
        on_progress: called after every video.

    Returns:
        the failures of these items, earlier ones included.

    Raises:
        InputError: wrong options, weights that cannot be had, a file that does not match, or a
            full disk.
    """
    devices = choose_devices(config.device)
    precision = choose_precision(config.precision, devices[0])
    backbone = load_backbone(config.backbone, config.weights)
    spec = backbone.spec
    provenance = _provenance(items, config, backbone, precision, devices)
    with FeatureWriter(output, {"rgb": provenance}) as writer:
        _check_committed(items, writer)
        todo = [
            item
            for item in items
            if item.id not in writer.committed and (item.id in writer.failed) == config.retry_failed
        ]
        unlisted = len(writer.committed.keys() - {item.id for item in items})
        progress = Progress(len(todo), len(writer.committed), unlisted)
        on_progress(progress)
        if todo:
            workers = min(cores(), _MOST_WORKERS) if config.workers is None else config.workers
            pool = DecodePool(
                config.reading(spec),
                workers=min(workers, len(todo)),
                time_limit=config.time_limit,
                niceness=0 if _on_gpu(devices) else 10,  # on a CPU the backbone goes first
            )
            with pool, Devices(backbone, devices, DTYPES[precision]) as ready:
                batcher, views = Batcher(config.batch(spec, devices)), len(config.views)
                _Run(progress, writer, ready, batcher, views, on_progress).extract(pool, todo)
        listed = {item.id for item in items}
        return [failure for id_, failure in writer.failed.items() if id_ in listed]


@dataclass
class _Unfinished:
    """A video on its way: its features [D] float16 so far and, once decoded, what it is."""

    item: VideoItem
    features: list[Tensor] = field(default_factory=list)
    decoded: Decoded | None = None


class _Run:
    """Hands on decoded snippets to the devices, and finished videos to the writer."""

    def __init__(
        self,
        progress: Progress,
        writer: FeatureWriter,
        devices: Devices,
        batcher: Batcher,
        views: int,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._progress, self._writer, self._devices = progress, writer, devices
        self._batcher, self._views, self._on_progress = batcher, views, on_progress
        self._unfinished: dict[str, _Unfinished] = {}
        self._running: deque[tuple[Batch, Future[Tensor]]] = deque()
        self._unwritten: deque[Future[None]] = deque()
        self._writing = ThreadPoolExecutor(1)  # the devices never wait for the disk

    def extract(self, pool: DecodePool, todo: Sequence[VideoItem]) -> None:
        """Extract these videos."""
        last_tick = time.monotonic()
        with self._writing:
            for answered in pool.decode(todo):
                if answered:
                    self._take(*answered)
                else:  # nothing comes: do not let the last images wait for a full batch
                    self._finish_batch()
                if time.monotonic() > last_tick + _TICK:
                    self._write(self._writer.commit_if_due)
                    last_tick = time.monotonic()
                self._collect(leave=self._devices.capacity)
            self._finish_batch()
            self._collect(leave=0)
            while self._unwritten:
                self._unwritten.popleft().result()

    def _finish_batch(self) -> None:
        for batch in self._batcher.rest():
            self._run(batch)

    def _take(self, item: VideoItem, answer: Answer) -> None:
        if isinstance(answer, DecodeError):
            self._unfinished.pop(item.id, None)
            self._fail(item, "decode", str(answer))
            return
        video = self._unfinished.setdefault(item.id, _Unfinished(item))
        if isinstance(answer, Decoded):
            video.decoded = answer
            self._finish_if_complete(video)
        else:
            for batch in self._batcher.add(item.id, answer.flatten(0, 1)):
                self._run(batch)

    def _run(self, batch: Batch) -> None:
        self._running.append((batch, self._devices.submit(batch.images)))
        self._collect(leave=self._devices.capacity)

    def _collect(self, *, leave: int) -> None:
        """Take results off the devices: those that are there, and all but ``leave``."""
        while self._running and (len(self._running) > leave or self._running[0][1].done()):
            batch, result = self._running.popleft()
            self._count(images=len(batch.videos))
            for id_, features in zip(batch.videos, result.result().half(), strict=False):
                if video := self._unfinished.get(id_):  # else it has failed meanwhile
                    video.features.append(features)
            for id_ in dict.fromkeys(batch.videos):
                if video := self._unfinished.get(id_):
                    self._finish_if_complete(video)

    def _finish_if_complete(self, video: _Unfinished) -> None:
        decoded, item = video.decoded, video.item
        if decoded is None or len(video.features) < len(decoded.centres) * self._views:
            return
        del self._unfinished[item.id]
        stored = torch.stack(video.features)  # [n V, D]
        if not stored.isfinite().all():
            self._fail(item, "backbone", "features are not finite in float16")
            return
        if self._views > 1:
            stored = stored.unflatten(0, (-1, self._views))  # [n, V, D]
        row = Video(
            id=item.id,
            label=item.label,
            split=item.split,
            path=printable(str(item.path)),
            frames=decoded.frames,
            fps=decoded.fps,
            decoder=decoded.decoder,
            damage=decoded.damage,
        )
        snippets = Snippets(stored.numpy(), decoded.centres)
        self._write(lambda: self._writer.add(row, {"rgb": snippets}))
        self._count(done=1, damaged=bool(decoded.damage))

    def _fail(self, item: VideoItem, stage: str, reason: str) -> None:
        self._write(lambda: self._writer.fail(Failure(item.id, stage, reason)))
        self._count(failed=1)

    def _write(self, action: Callable[[], None]) -> None:
        self._unwritten.append(self._writing.submit(action))
        while self._unwritten and (len(self._unwritten) > _UNWRITTEN or self._unwritten[0].done()):
            self._unwritten.popleft().result()  # raises what the writer raised

    def _count(self, **more: int) -> None:
        counts = {name: getattr(self._progress, name) + n for name, n in more.items()}
        self._progress = replace(self._progress, **counts)
        self._on_progress(self._progress)


def _provenance(
    items: Sequence[VideoItem],
    config: ExtractConfig,
    backbone: LoadedBackbone,
    precision: str,
    devices: Sequence[torch.device],
) -> Provenance:
    return Provenance(
        backbone=backbone.spec.name,
        weights=backbone.weights,
        weights_sha256=backbone.sha256,
        layer=backbone.spec.layer,
        dim=backbone.spec.dim,
        preprocessing=str(backbone.spec.preprocessing),
        snippet_length=backbone.spec.snippet_length,
        sampling=str(config.sampling),
        views=str(config.views),
        precision=precision,
        tool_version=__version__,
        device=",".join(map(str, devices)),
        list_sha256=list_sha256(items),
    )


def _check_committed(items: Sequence[VideoItem], writer: FeatureWriter) -> None:
    for item in items:
        video = writer.committed.get(item.id)
        if video and (video.label, video.split) != (item.label, item.split):
            raise InputError(
                f"{writer.path} holds {item.id} as label '{video.label}', split '{video.split}', "
                f"now it is '{item.label}', '{item.split}': choose another output"
            )


def _on_gpu(devices: Sequence[torch.device]) -> bool:
    return any(device.type != "cpu" for device in devices)
