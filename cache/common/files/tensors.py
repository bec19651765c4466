"""Read files of torch that may come from anybody: plain tensors, and no code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from .regular import require_file


def read_tensors(path: Path) -> Any:
    """What a file of torch or of safetensors holds, on the CPU; no code in it is run.

    Raises:
        OSError: it is missing or may not be read.
        ValueError: it holds anything but tensors, plain values, and tables and lists of these.
    """
    require_file(path)
    with path.open("rb") as file:
        try:
            if file.read(9)[8:] == b"{":  # behind the length of the header, a table in JSON
                value: Any = load_file(path)
            else:
                file.seek(0)
                value = torch.load(file, map_location="cpu", weights_only=True)
        except (MemoryError, OSError):  # no fault of the file
            raise
        except Exception:  # any; what torch says of code is how to run it
            raise ValueError("it is no file of plain tensors") from None
    try:
        other = [name for name, tensor in _tensors(value, "it") if not _is_plain(tensor)]
    except RecursionError:
        raise ValueError("its tables are nested too deeply") from None
    if other:
        raise ValueError(f"{other[0]} is a tensor of another kind than weights are")
    return value


def require_finite(value: Any, name: str) -> None:
    """Require finite numbers in all tensors, in tables and lists too.

    Raises:
        ValueError: names the first that has others.
    """
    for inner, tensor in _tensors(value, name):
        if not tensor.isfinite().all():
            raise ValueError(f"{inner} is not finite")


def _tensors(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    """All tensors, in tables and lists too, by name."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _tensors(inner, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for n, inner in enumerate(value):
            yield from _tensors(inner, f"{name}.{n}")


def _is_plain(tensor: Tensor) -> bool:
    """Neither sparse, nor quantised, nor without numbers."""
    dense = tensor.layout == torch.strided and not tensor.is_nested
    return dense and not tensor.is_quantized and not tensor.is_meta
