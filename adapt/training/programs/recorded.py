"""A computation on a GPU, recorded once as a CUDA graph and replayed: its many small kernels start
without Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
_WARM_UP = 3  # computations that choose kernels and allocate, as torch asks for before a recording


class Recorded(Generic[T]):
    """Computes what the function computes, by replaying its kernels.

    Each result overwrites the one before. A function that waits for the GPU, to look at a number,
    fails at its first call.

    Args:
        compute: of tensors on the GPU, in tuples or mappings, of which each call has equally many
            of equal shapes. Whatever else it reads is constant or keeps its place in memory.
    """

    def __init__(self, compute: Callable[..., T]) -> None:
        self._compute = compute
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: Any = None
        self._result: Any = None

    def __call__(self, *inputs: Any) -> T:
        with torch.cuda.device(next(tensors_in(inputs)).device):  # else streams are another GPU's
            if self._graph is None:
                self._graph = self._record(inputs)
            for kept, given in zip(tensors_in(self._inputs), tensors_in(inputs), strict=True):
                kept.copy_(given)
            self._graph.replay()
        return self._result

    def _record(self, inputs: Any) -> torch.cuda.CUDAGraph:
        self._inputs = inputs  # new tensors at each step, so these are kept
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                self._compute(*inputs)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Other threads may go on copying and pinning, such as the one that fetches features.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._result = self._compute(*inputs)
        return graph


def can_record(device: torch.device) -> bool:
    """Whether computations on the device can be recorded."""
    return device.type == "cuda"


def tensors_in(value: Any) -> Iterator[Tensor]:
    """All tensors in nested tuples and mappings, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_in(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from tensors_in(part)
