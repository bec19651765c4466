"""Batches filled across videos, always of one size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ...cache.common.short import short_repr
from ..flow.fields import GreyFrames


@dataclass(frozen=True)
class Batch:
    """Images [batch_size, ...] of a modality, or the frames of a video's flow, and which video each
    of the first rows belongs to, in order."""

    modality: str
    images: Tensor | GreyFrames
    videos: list[str]

    __repr__ = short_repr


class Batcher:
    """Collects images of a modality of interleaved videos into batches of exactly ``batch_size``.

    The last batch is padded with zeros: kernels may round differently for another batch size, and
    a video's features must not depend on what happens to be extracted beside it.
    """

    def __init__(self, modality: str, batch_size: int) -> None:
        self._modality, self._size = modality, batch_size
        self._images: list[Tensor] = []
        self._videos: list[str] = []

    def add(self, video: str, images: Tensor) -> Iterator[Batch]:
        """Take images [n, ...] of a video; give the batches that are full now."""
        self._images.append(images)
        self._videos += [video] * len(images)
        if len(self._videos) >= self._size:
            pending = torch.cat(self._images)
            whole = len(pending) - len(pending) % self._size
            owners, self._videos = self._videos[:whole], self._videos[whole:]
            self._images = [pending[whole:]]
            for n in range(0, whole, self._size):
                images = pending[n : n + self._size]
                yield Batch(self._modality, images, owners[n : n + self._size])

    def rest(self) -> Iterator[Batch]:
        """The images that fill no batch, padded."""
        if self._videos:
            (batch,) = pad(torch.cat(self._images), self._size)
            videos, self._images, self._videos = self._videos, [], []
            yield Batch(self._modality, batch, videos)


def pad(images: Tensor, batch_size: int) -> tuple[Tensor, ...]:
    """Batches of exactly ``batch_size`` from images [n, ...], the last filled up with zeros."""
    padding = images.new_zeros((-len(images) % batch_size, *images.shape[1:]))
    return torch.cat([images, padding]).split(batch_size)
