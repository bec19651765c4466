"""Clips by request, as a torch dataset: what a worker of the `ClipLoader` does.

A clip is a function of its request alone, so neither the number of workers nor who is quickest
changes a byte.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ....cache import Video
from ....cache.recipe import Views
from ....extract.decoding import DecodeError
from ....extract.flow.cache import FlowCache
from ....extract.snippets.cutting import Cut
from ....extract.snippets.views import TrainingCrop
from .cutting import GreyClips, read_clips, training_plan


@dataclass(frozen=True)
class ClipRequest:
    """The clips of one video for one step.

    Args:
        video: its place among the dataset's videos.
        positions: where in its segment each snippet starts, n in [0, 1); see `training_plan`.
        seed: of the `TrainingCrop`; None for the centre crop.
    """

    video: int
    positions: tuple[float, ...]
    seed: int | None = None


class Clips(NamedTuple):
    """The clips [n, ...] uint8 of a request, and why they are zeros, "" where they are not."""

    video: int
    pixels: Tensor | GreyClips
    failure: str


class ClipDataset(Dataset[Clips]):
    """Decodes a request; a video that cannot be read becomes zeros.

    Args:
        videos: with their true number of frames (see `census`).
        cut: how snippets are cut; requests decide its views.
        flow: where the fields of a `FlowCut` come from, for the videos that it holds.
        flip: mirror half of the training crops.
        workers: processes that share this.
        time_limit: seconds that a video may go without a new frame; its process is ended then.
    """

    def __init__(
        self,
        videos: Sequence[Video],
        cut: Cut,
        *,
        flow: FlowCache | None,
        flip: bool,
        workers: int,
        time_limit: float,
    ) -> None:
        self._videos, self._cut, self._flow, self._flip = videos, cut, flow, flip
        self._time_limit = time_limit
        # Of each worker its process, and its video or -1: shared, so that it outlives the worker.
        self._at = torch.full((workers, 2), -1).share_memory_() if workers else torch.empty(0, 2)
        self._worker: int | None = None

    def __getitem__(self, request: ClipRequest) -> Clips:
        video = self._videos[request.video]
        crop = TrainingCrop(request.seed or 0, self._cut.training_scales, self._flip)
        cut = replace(self._cut, views=Views() if request.seed is None else crop)
        plan = training_plan(cut, video.frames, np.array(request.positions))  # [n, L]
        try:
            with self._at_work(request.video):
                pixels = read_clips(
                    video.path, cut, plan, video.id, flow=self._flow, on_progress=self._put_off
                )
        except Exception as error:  # one broken video must not stop a training
            zeros = torch.zeros(len(plan), *cut.shape, dtype=torch.uint8)
            return Clips(request.video, zeros, str(DecodeError.of(error)))
        return Clips(request.video, pixels, "")

    def start_worker(self, worker: int) -> None:
        """In a worker, before its first request. (torch has given it one thread.)"""
        self._cut.prepare()  # compiling for a minute is no hang
        self._worker = worker
        self._at[worker, 0] = os.getpid()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        # Decoders write a line about every damaged frame.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)

    def left_by(self, ending: str) -> list[str]:
        """The videos that the workers were at of whose ending torch tells in this message."""
        processes = {int(number) for number in re.findall(r"\d+", ending)}
        at = self._at.tolist()
        return [self._videos[n].id for process, n in at if n >= 0 and process in processes]

    @contextmanager
    def _at_work(self, video: int) -> Iterator[None]:
        """Say so; the kernel ends a decoder that hangs, with its process."""
        if self._worker is None:
            yield
            return
        self._at[self._worker, 1] = video
        self._put_off()
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._at[self._worker, 1] = -1

    def _put_off(self) -> None:
        if self._worker is not None:
            signal.setitimer(signal.ITIMER_REAL, self._time_limit)
