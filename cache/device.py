"""Name a device; here because both `extract` and `adapt` need it and neither imports the other."""

from __future__ import annotations

import os

import torch

from .errors import InputError


def choose_device(name: str) -> torch.device:
    """Resolve "auto" (a GPU where there is one) and check that the device can be used.

    Raises:
        InputError: no such device on this machine.
    """
    if name == "auto":
        if not torch.cuda.is_available():
            return torch.device("cpu")
        rank = os.environ.get("LOCAL_RANK")  # of a process that torchrun has started
        return torch.device("cuda" if rank is None else f"cuda:{rank}")
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"device '{name}' cannot be used here ({reason}): try --device auto"
        ) from None
    return device
