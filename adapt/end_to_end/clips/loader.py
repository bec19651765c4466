"""Batches of clips, decoded ahead by worker processes, in the order asked for."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ....cache import InputError, Video
from ....extract.flow.cache import FlowCache
from ....extract.snippets.cutting import Cut
from .cutting import GreyClips, compute_flow
from .dataset import ClipDataset, ClipRequest, Clips

_CPU = torch.device("cpu")


class ClipLoader:
    """A torch DataLoader of `ClipRequest`s.

    A video that cannot be read is zeros, and is listed in ``failed``. The workers live as long as
    the loader. They are spawned: a script that makes a loader needs a main guard.

    Args:
        videos: with their true number of frames (see `census`).
        cut: how snippets are cut; requests decide its views. Flow has 8-bit levels.
        flow: where the fields of a `FlowCut` come from. Those of videos that it does not hold are
            computed by the workers, or on ``device`` if its engine is one of `ON_DEVICE`.
        flip: mirror half of the training crops.
        workers: processes; 0 decodes in this one, where a hang cannot be cut off.
        time_limit: seconds that a video may go without a new frame; its worker is ended then.
        ahead: videos whose clips are made ahead.
        device: that trains. For a GPU batches are in pinned memory, from where they go there
            beside its work.

    Attributes:
        failed: why, by the ids of the videos that could not be read in this pass so far.
    """

    def __init__(
        self,
        videos: Sequence[Video],
        cut: Cut,
        *,
        flow: FlowCache | None = None,
        flip: bool = True,
        workers: int = 0,
        time_limit: float = 120.0,
        ahead: int = 128,
        device: torch.device = _CPU,
    ) -> None:
        self.failed: dict[str, str] = {}
        self._videos, self._time_limit, self._device = videos, time_limit, device
        self._order = _Order()
        self._dataset = ClipDataset(
            videos, cut, flow=flow, flip=flip, workers=workers, time_limit=time_limit
        )
        self._loader = DataLoader(
            self._dataset,
            sampler=self._order,
            batch_size=None,  # workers share the videos of a batch
            collate_fn=_as_it_is,
            generator=torch.Generator(),  # else each pass would draw from the global one
            num_workers=workers,
            **_of_workers(self._dataset, workers, ahead) if workers else {},
        )

    def load(self, requests: Iterable[list[ClipRequest]]) -> Iterator[Tensor]:
        """Decode batches; a new call gives up what is left of the one before.

        Args:
            requests: of each batch; those of a batch have the same n.

        Yields:
            [B, n, c L, S, S] or [B, n, c, L, S, S] uint8, in the order of the requests; on the
            CPU, or on the device where flow has been computed there.

        Raises:
            InputError: a worker has ended, or no video of a batch can be read.
        """
        self.failed = {}
        self._order.start(requests)
        batch: list[Clips] = []
        for clips in self._clips():
            batch.append(clips)
            if clips.failure:
                self.failed[self._videos[clips.video].id] = clips.failure
            if len(batch) == self._order.sizes[0]:
                self._order.sizes.popleft()
                self._require_any(batch)
                yield _stack(batch, self._device)
                batch = []

    def _clips(self) -> Iterator[Clips]:
        """What the workers make, in order."""
        try:
            with _deaf_to_children():
                clips = iter(self._loader)
            yield from clips
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            videos = " or ".join(self._dataset.left_by(str(error))) or "no video"
            raise InputError(
                f"a decoding worker ended while it read {videos}: it hung for "
                f"{self._time_limit:g} s, crashed, or was killed for its memory (torch says: "
                f"{' '.join(str(error).split())})"
            ) from None

    def _require_any(self, batch: list[Clips]) -> None:
        """One broken video is bad luck; where all of a batch are, something is gone."""
        if len(batch) > 1 and all(clips.failure for clips in batch):
            first = batch[0]
            raise InputError(
                f"none of {len(batch)} videos can be read, as {self._videos[first.video].id}: "
                f"{first.failure}; see that their folder is still there"
            )


class _Order:
    """The requests of a pass one by one, and the sizes of the batches that they make."""

    def __init__(self) -> None:
        self._batches: Iterable[list[ClipRequest]] = ()
        self.sizes: deque[int] = deque()

    def start(self, batches: Iterable[list[ClipRequest]]) -> None:
        self._batches, self.sizes = batches, deque()

    def __iter__(self) -> Iterator[ClipRequest]:
        for batch in filter(None, self._batches):
            self.sizes.append(len(batch))
            yield from batch


def _of_workers(dataset: ClipDataset, workers: int, ahead: int) -> dict[str, object]:
    """Options of the DataLoader where it has workers."""
    return {
        "multiprocessing_context": "spawn",  # a fork may hang where torch has threads
        "persistent_workers": True,
        "prefetch_factor": max(2, -(-ahead // workers)),
        "worker_init_fn": dataset.start_worker,
    }


def _as_it_is(clips: Clips) -> Clips:
    return clips


def _stack(batch: list[Clips], device: torch.device) -> Tensor:
    """[B, n, ...]; memory is pinned once for the batch rather than for each video."""
    if greys := [clips.pixels for clips in batch if isinstance(clips.pixels, GreyClips)]:
        computed = compute_flow(greys, device)
        return torch.stack(
            [
                next(computed) if isinstance(clips.pixels, GreyClips) else clips.pixels.to(device)
                for clips in batch
            ]
        )
    pixels = [clips.pixels for clips in batch]
    shape = (len(pixels), *pixels[0].shape)
    out = torch.empty(shape, dtype=pixels[0].dtype, pin_memory=device.type == "cuda")
    return torch.stack(pixels, out=out)


@contextmanager
def _deaf_to_children() -> Iterator[None]:
    """Keep torch from raising, wherever the main thread is, when a worker dies: the loader finds
    it out when it waits for that worker."""
    handler = signal.getsignal(signal.SIGCHLD)
    yield
    with suppress(ValueError):  # not the main thread: torch has changed nothing either
        signal.signal(signal.SIGCHLD, handler)
