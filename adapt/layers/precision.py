"""In which type a layer computes: matrix products perhaps in bf16, everything delicate in float32.

A run in bf16 is a run under `torch.autocast`: linear layers and matrix products take bf16 and give
bf16, whatever a method's file says. What must not lose digits, such as scores, softmaxes and
losses, says so by `full_precision` or `widen`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
R = TypeVar("R")
_HALF = (torch.bfloat16, torch.float16)


def multiplying_in(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """A block in which matrix products are computed in ``bf16``, or as they are: ``fp32``."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


def compute_dtype(device: torch.device) -> torch.dtype:
    """The type of matrix products on a device: bf16 or float32."""
    if torch.is_autocast_enabled(device.type):
        return torch.get_autocast_dtype(device.type)
    return torch.float32


def full_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function or method of tensors that computes in float32 within a run in bf16 too.

    Arguments in half precision are made float32, those inside tuples, lists and dicts too, and
    products in the function stay float32.

    Raises:
        TypeError: on a call without any tensor, whose device nothing tells.
    """

    @wraps(function)
    def run(*args: Any, **options: Any) -> R:
        first = next(_tensors((args, options)), None)
        if first is None:
            raise TypeError(
                f"{function.__qualname__} computes in full precision, but no argument is a tensor, "
                "nor a tuple, list or dict with one"
            )
        device = first.device.type
        if not torch.is_autocast_enabled(device):
            return function(*args, **options)
        with torch.autocast(device, enabled=False):
            return function(*_widened(args), **_widened(options))

    return run


def narrow(x: Tensor) -> Tensor:
    """What a matrix product makes of ``x``, before the product: bf16 in a run in bf16."""
    device = x.device.type
    return x.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else x


def widen(x: Tensor) -> Tensor:
    """Half precision as float32; wider types stay."""
    return x.float() if x.dtype in _HALF else x


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)


def _widened(value: Any) -> Any:
    if isinstance(value, Tensor):
        return widen(value)
    if isinstance(value, dict):
        return {name: _widened(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        items = map(_widened, value)
        # A named tuple takes its fields one by one.
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value
