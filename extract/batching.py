"""Batches filled across videos, always of one size."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

Key = TypeVar("Key")


def run_batched(
    forward: Callable[[Tensor], Tensor],
    videos: Iterable[tuple[Key, Tensor]],
    batch_size: int,
) -> Iterator[tuple[Key, Tensor]]:
    """Run ``forward`` over the images of many videos in batches of exactly ``batch_size``.

    The last batch is padded with zeros: kernels may round differently for another batch size,
    and a video's features must not depend on what happens to be extracted beside it.

    Args:
        forward: [batch_size, ...] to [batch_size, D].
        videos: (key, images [n, ...]) with n >= 1.

    Yields:
        (key, features [n, D]) in the order of ``videos``.
    """
    waiting: deque[tuple[Key, int]] = deque()  # videos and how many images each has
    images: list[Tensor] = []  # not yet forwarded
    features: list[Tensor] = []  # forwarded, not yet yielded

    def finished() -> Iterator[tuple[Key, Tensor]]:
        nonlocal features
        while waiting and sum(map(len, features)) >= waiting[0][1]:
            key, n = waiting.popleft()
            rows = torch.cat(features)
            features = [rows[n:]]
            yield key, rows[:n]

    for key, new in videos:
        waiting.append((key, len(new)))
        images.append(new)
        if sum(map(len, images)) >= batch_size:
            pending = torch.cat(images)
            whole = len(pending) - len(pending) % batch_size
            features += [forward(batch) for batch in pending[:whole].split(batch_size)]
            images = [pending[whole:]]
            yield from finished()
    if images and (rest := torch.cat(images)).numel():
        padding = rest.new_zeros((batch_size - len(rest), *rest.shape[1:]))
        features.append(forward(torch.cat([rest, padding]))[: len(rest)])
    yield from finished()
