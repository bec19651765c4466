"""The matrix products of a piece of work, by themselves: the least that it can take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_aten = torch.ops.aten
_FIRST_FACTOR = {_aten.mm.default: 0, _aten.bmm.default: 0, _aten.addmm.default: 1}


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.factors: list[tuple[Tensor, Tensor]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if (first := _FIRST_FACTOR.get(func)) is not None:
            a, b = args[first : first + 2]
            self.factors.append((torch.randn_like(a), torch.randn_like(b)))
        return func(*args, **(kwargs or {}))


def products_of(work: Callable[[], None]) -> tuple[Callable[[], None], float]:
    """The matrix products that ``work`` computes, as a function, and their operations in 10^9.

    Factors have the sizes, types and strides of the work's own, and random values.
    """
    with _Recorder() as recorder:
        work()
    factors = recorder.factors

    def compute() -> None:
        for a, b in factors:
            torch.matmul(a, b)

    return compute, sum(2 * a.numel() * b.shape[-1] for a, b in factors) / 1e9
