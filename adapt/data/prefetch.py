"""Make what a step needs while the step before it is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
U = TypeVar("U")


def prefetched(make: Callable[[T], U], items: Iterable[T], device: torch.device) -> Iterator[U]:
    """``map(make, items)``, where a thread makes the next one while the caller uses this one.

    An exception of ``make`` is raised where its result would have come. No more than one is made
    ahead, and none after the caller has stopped.

    Args:
        make: gives tensors, or tuples of tensors and other things.
        items: its arguments.
        device: of the tensors. A GPU makes them in a stream of their own, so that they need not
            wait for the step before.
    """
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def make_aside(item: T) -> U:
        with torch.cuda.stream(stream):  # of None: does nothing
            made = make(item)
        if stream is not None:
            stream.synchronize()
        return made

    def hand_over(made: U) -> U:
        if stream is not None:
            _use_here(made)
        return made

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch") as thread:
        ahead: Future[U] | None = None
        for item in items:
            made, ahead = ahead, thread.submit(make_aside, item)
            if made is not None:
                yield hand_over(made.result())
        if ahead is not None:
            yield hand_over(ahead.result())


def _use_here(made: object) -> None:
    """Keep the memory of tensors until this stream, which did not make them, is done with them."""
    if isinstance(made, Tensor):
        made.record_stream(torch.cuda.current_stream(made.device))
    elif isinstance(made, tuple):
        for part in made:
            _use_here(part)
