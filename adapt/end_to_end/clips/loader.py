"""Batches of clips, decoded ahead by processes that can be killed, in the order asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from ....cache import InputError, Video
from ....extract.decoding import DecodeError
from ....extract.decoding.pool import DecodePool
from ....extract.flow.cache import FlowCache
from ....extract.snippets.cutting import Cut
from .cutting import GreyClips, compute_flow
from .reader import ClipReader, ClipRequest

_CPU = torch.device("cpu")
Clips = Tensor | GreyClips


class ClipLoader:
    """Decodes the clips of `ClipRequest`s, in processes that live as long as the loader.

    A video that cannot be read, or that hangs or crashes its process, is zeros and is listed in
    ``failed``.

    Args:
        videos: with their true number of frames.
        cut: how snippets are cut; requests decide its views. Flow has 8-bit levels.
        flow: where the fields of a `FlowCut` come from. Those of videos that it does not hold are
            computed where videos are decoded, or on ``device`` if the engine is one of `ON_DEVICE`.
        flip: mirror half of the training crops.
        workers: decoding processes; 0 decodes in this one, where a hang cannot be cut off.
        time_limit: seconds that a video may go without a new frame before it is given up.
        ahead: videos whose clips are made ahead.
        device: that trains. For a GPU batches are in pinned memory, so that they are copied there
            while it computes.

    Attributes:
        videos: whose clips are read.
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
        self.videos, self._shape, self._device = videos, cut.shape, device
        self._ahead = max(ahead, 2 * workers)
        self._pool: DecodePool[ClipRequest, Clips] = DecodePool(
            ClipReader(tuple(videos), cut, flow, flip),
            workers=workers,
            time_limit=time_limit,
            shared=True,
        )

    def load(self, requests: Iterable[list[ClipRequest]]) -> Iterator[Tensor]:
        """Decode batches; a new call gives up what is left of the one before.

        Args:
            requests: of each batch; those of a batch have the same n.

        Yields:
            [B, n, c L, S, S] or [B, n, c, L, S, S] uint8, in the order of the requests; on the
            CPU, or on the device where flow has been computed there.

        Raises:
            InputError: the processes do not start, or no video of a batch can be read.
        """
        self.failed = {}
        begun: deque[list[ClipRequest]] = deque()  # batches of which a request has been taken

        def one_by_one() -> Iterator[ClipRequest]:
            for batch in filter(None, requests):
                begun.append(batch)
                yield from batch

        clips = self._pool.map(one_by_one(), ahead=self._ahead)
        for first in clips:
            batch = begun.popleft()
            answers = [first, *(next(clips) for _ in batch[1:])]
            errors = {
                self.videos[request.video].id: str(answer)
                for request, answer in zip(batch, answers, strict=True)
                if isinstance(answer, DecodeError)
            }
            self.failed |= errors
            if len(batch) > 1 and all(isinstance(answer, DecodeError) for answer in answers):
                id_, why = next(iter(errors.items()))  # one is bad luck, but here something is gone
                raise InputError(
                    f"none of {len(batch)} videos can be read, as {id_}: {why}; see that their "
                    "folder is still there"
                )
            yield self._stack(batch, answers)

    def _stack(self, batch: list[ClipRequest], answers: list[Clips | DecodeError]) -> Tensor:
        """[B, n, ...]; videos that cannot be read are zeros."""
        zeros = torch.zeros(len(batch[0].positions), *self._shape, dtype=torch.uint8)
        clips = [zeros if isinstance(answer, DecodeError) else answer for answer in answers]
        decoded = [each for each in clips if isinstance(each, Tensor)]
        if len(decoded) < len(clips):  # flow is left to compute
            grey = [each for each in clips if isinstance(each, GreyClips)]
            computed = compute_flow(grey, self._device)
            return torch.stack(
                [
                    each.to(self._device) if isinstance(each, Tensor) else next(computed)
                    for each in clips
                ]
            )
        # Memory is pinned once for the batch rather than for each video.
        out = torch.empty(
            (len(decoded), *decoded[0].shape),
            dtype=decoded[0].dtype,
            pin_memory=self._device.type == "cuda",
        )
        return torch.stack(decoded, out=out)
