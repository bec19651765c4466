"""Videos to features: decode, batch across videos, run the backbone, hand on.

Three things happen at once: processes decode, threads run the backbone, a thread writes. This
module only hands on between them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...cache import Failure, Snippets, Video
from ...cache.common.machine.cores import cores
from ...cache.errors import InputError, printable
from ...cache.parts import split_part
from ..decoding import DecodeError
from ..decoding.pool import DecodePool
from ..lists.videos import VideoItem
from ..machine.batching import Batch, Batcher
from ..machine.devices import Devices, Result
from ..machine.precision import DTYPES
from ..snippets.passing import Chunk
from ..snippets.reading import Decoded
from .plan import Plan
from .sink import LONG, Progress, Sink

_UNWRITTEN = 64  # videos that may wait for the writer
_MOST_WORKERS = 16  # unless the user asks for more
_TICK = 1.0  # seconds
Decoding = DecodePool[VideoItem, Chunk | Decoded]


def compute(
    todo: Sequence[VideoItem],
    plan: Plan,
    sink: Sink,
    progress: Progress,
    on_progress: Callable[[Progress], None],
    *,
    held: Collection[str] = (),
) -> None:
    """Compute the features of videos; see `Pipeline.compute`."""
    workers = plan.machine.workers
    workers = min(cores(), _MOST_WORKERS) if workers is None else workers
    with Pipeline(plan, workers=min(workers, len(todo))) as pipeline:
        pipeline.compute(todo, sink, progress, on_progress, held=held)


class Pipeline:
    """Decoding processes and devices with their backbones, kept for any number of calls; a context
    manager.

    Args:
        plan: how features are made.
        workers: decoding processes; 0 decodes in this one.
    """

    def __init__(self, plan: Plan, *, workers: int) -> None:
        self._plan = plan
        self._pool: Decoding = DecodePool(
            plan.reading.on_threads(max(1, cores() // max(1, workers))),
            workers=workers,
            time_limit=plan.machine.time_limit,
            niceness=0 if plan.on_gpu else 10,  # on a CPU the backbone goes first
        )
        self._devices = Devices(
            plan.backbones,
            plan.devices,
            DTYPES[plan.precision],
            batch_size=plan.batch_size,
            cuts=plan.cuts,
        )

    def compute(
        self,
        todo: Sequence[VideoItem],
        sink: Sink,
        progress: Progress,
        on_progress: Callable[[Progress], None],
        *,
        held: Collection[str] = (),
    ) -> None:
        """Compute the features of videos and hand on each video when it is done.

        Args:
            todo: at least one video.
            sink: called in a thread of its own, one call at a time; what it raises ends all.
            progress: where the counts begin.
            on_progress: called after every video.
            held: windows of them that are not handed on, as they were before.

        Raises:
            InputError: a name that could mean two videos, or what the sink raises.
        """
        _require_distinct(todo, windowed=self._plan.options.windows is not None)
        run = _Run(progress, sink, self._devices, self._plan, on_progress, held)
        run.extract(self._pool, todo)

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *error: object) -> None:
        with self._pool:
            self._devices.__exit__(*error)


@dataclass
class _Unfinished:
    """A video, or a window of one, on its way: of each modality its features [D] float16 so far,
    and, once decoded, what it is."""

    id: str
    item: VideoItem
    features: dict[str, list[Tensor]]
    decoded: Decoded | None = None
    early_stopped: int = 0  # pairs whose flow ran out of iterations on a device


class _Run:
    """Hands on decoded snippets to the devices, and finished videos to the sink."""

    def __init__(
        self,
        progress: Progress,
        sink: Sink,
        devices: Devices,
        plan: Plan,
        on_progress: Callable[[Progress], None],
        held: Collection[str],
    ) -> None:
        self._held = held
        self._progress, self._sink, self._devices = progress, sink, devices
        self._views, self._on_progress = len(plan.options.views), on_progress
        self._by_time = plan.reading.by_time
        self._batchers = {
            modality: Batcher(modality, plan.batch_size) for modality in plan.backbones
        }
        self._unfinished: dict[str, _Unfinished] = {}
        self._running: deque[tuple[Batch, Future[Result]]] = deque()
        self._unwritten: deque[Future[None]] = deque()
        self._writing = ThreadPoolExecutor(1)  # the devices never wait for the disk

    def extract(self, pool: Decoding, todo: Sequence[VideoItem]) -> None:
        """Extract these videos."""
        last_tick = time.monotonic()
        with self._writing:
            for answered in pool.stream(todo):
                if answered:
                    self._take(*answered)
                else:  # nothing comes: do not let the last images wait for a full batch
                    self._finish_batch()
                if time.monotonic() > last_tick + _TICK:
                    self._write(self._sink.commit_if_due)
                    last_tick = time.monotonic()
                self._collect(leave=self._devices.capacity)
            self._finish_batch()
            self._collect(leave=0)
            while self._unwritten:
                self._unwritten.popleft().result()

    def _finish_batch(self) -> None:
        for batcher in self._batchers.values():
            for batch in batcher.rest():
                self._run(batch)

    def _take(self, item: VideoItem, answer: Chunk | Decoded | DecodeError) -> None:
        if isinstance(answer, DecodeError):
            for id_ in [one.id for one in self._unfinished.values() if one.item is item]:
                del self._unfinished[id_]
            self._fail(item.id, "decode", str(answer))
            return
        id_ = item.id + str(answer.part or "")
        if id_ in self._held:
            self._count(done=isinstance(answer, Decoded) and answer.is_last)
            return
        if id_ not in self._unfinished:
            features: dict[str, list[Tensor]] = {name: [] for name in self._batchers}
            self._unfinished[id_] = _Unfinished(id_, item, features)
        video = self._unfinished[id_]
        if isinstance(answer, Decoded):
            video.decoded = answer
            self._finish_if_complete(video)
        else:
            self._run_chunk(id_, answer)

    def _run_chunk(self, id_: str, chunk: Chunk) -> None:
        if isinstance(chunk.snippets, Tensor):
            for batch in self._batchers[chunk.modality].add(id_, chunk.snippets.flatten(0, 1)):
                self._run(batch)
        else:  # flow that its device computes before the backbone
            rows = len(chunk.snippets.stacks) * self._views
            self._run(Batch(chunk.modality, chunk.snippets, [id_] * rows))

    def _run(self, batch: Batch) -> None:
        self._running.append((batch, self._devices.submit(batch.modality, batch.images)))
        self._collect(leave=self._devices.capacity)

    def _collect(self, *, leave: int) -> None:
        """Take results off the devices: those that are there, and all but ``leave``."""
        while self._running and (len(self._running) > leave or self._running[0][1].done()):
            batch, future = self._running.popleft()
            result = future.result()
            self._count(images=len(batch.videos))
            for id_, features in zip(batch.videos, result.features.half(), strict=False):
                if video := self._unfinished.get(id_):  # else it has failed meanwhile
                    video.features[batch.modality].append(features)
            for id_ in dict.fromkeys(batch.videos):
                if video := self._unfinished.get(id_):
                    video.early_stopped += result.early_stopped
                    self._finish_if_complete(video)

    def _finish_if_complete(self, video: _Unfinished) -> None:
        decoded, item = video.decoded, video.item
        if decoded is None or any(
            len(video.features[name]) < len(centres) * self._views
            for name, centres in decoded.centres.items()
        ):
            return
        del self._unfinished[video.id]
        stored = {name: torch.stack(rows) for name, rows in video.features.items()}  # [n V, D]
        if not all(features.isfinite().all() for features in stored.values()):
            self._fail(video.id, "backbone", "features are not finite in float16")
            return
        if self._views > 1:  # [n, V, D]
            stored = {name: rows.unflatten(0, (-1, self._views)) for name, rows in stored.items()}
        row = Video(
            id=video.id,
            label=item.label,
            split=item.split,
            path=printable(f"{item.path}{decoded.part or ''}"),
            frames=decoded.frames,
            fps=decoded.fps,
            duration=decoded.duration,
            decoder=decoded.decoder,
            damage=decoded.damage,
            early_stopped=decoded.early_stopped + video.early_stopped,
        )
        snippets = {
            name: Snippets(stored[name].numpy(), centres, decoded.times[name])
            for name, centres in decoded.centres.items()
        }
        self._write(lambda: self._sink.add(row, snippets))
        self._count(
            done=decoded.is_last,
            damaged=bool(decoded.damage),
            early_stopped=row.early_stopped,
            videos=1,
            untimed=decoded.is_last and self._by_time and not decoded.is_timed,
            long=decoded.part is None and decoded.duration > LONG,
        )

    def _fail(self, video: str, stage: str, reason: str) -> None:
        self._write(lambda: self._sink.fail(Failure(video, stage, reason)))
        self._count(failed=1)

    def _write(self, action: Callable[[], None]) -> None:
        self._unwritten.append(self._writing.submit(action))
        while self._unwritten and (len(self._unwritten) > _UNWRITTEN or self._unwritten[0].done()):
            self._unwritten.popleft().result()  # raises what the writer raised

    def _count(self, **more: int) -> None:
        counts = {name: getattr(self._progress, name) + n for name, n in more.items()}
        self._progress = replace(self._progress, **counts)
        self._on_progress(self._progress)


def _require_distinct(items: Sequence[VideoItem], *, windowed: bool) -> None:
    """Refuse what may have the name of a window of another video: names tell results apart."""
    ids = {item.id for item in items}
    for item in items:
        recording, part = split_part(item.id)
        if part and windowed and recording in ids:
            raise InputError(f"{item.id} is a part of {recording}: name one of them")
        if part and item.path.exists():
            raise InputError(f"{item.path} is called like a part of another video: rename it")
