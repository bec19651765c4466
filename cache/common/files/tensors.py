"""Read files of torch that may come from anybody: plain tensors, and no code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from .regular import require_file


def read_tensors(path: Path) -> Any:
    """What a file of torch holds, on the CPU; no code in it is run.

    Raises:
        OSError: it is missing or may not be read.
        ValueError: it holds anything but tensors, plain values, and tables and lists of these.
    """
    require_file(path)
    with path.open("rb") as file:
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except (MemoryError, OSError):  # no fault of the file
            raise
        except Exception:  # any; what torch says of code is how to run it
            raise ValueError("it is no file of plain tensors") from None


def require_finite(value: Any, name: str) -> None:
    """Require finite numbers in all tensors, in tables and lists too.

    Raises:
        ValueError: names the first that has others.
    """
    if isinstance(value, torch.Tensor):
        if not value.isfinite().all():
            raise ValueError(f"{name} is not finite")
    elif isinstance(value, dict):
        for key, inner in value.items():
            require_finite(inner, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for n, inner in enumerate(value):
            require_finite(inner, f"{name}.{n}")
