"""Choose a device; in the lowest room because both `extract` and `adapt` need it."""

from __future__ import annotations

import os

import torch

from ...errors import InputError


def choose_device(name: str) -> torch.device:
    """Resolve "auto" (a GPU where there is one) and check that the device can be used.

    Raises:
        InputError: no such device on this machine.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and (rank := os.environ.get("LOCAL_RANK")):  # started by torchrun
        name = f"cuda:{rank}"
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"device '{name}' cannot be used here ({reason}): try --device auto"
        ) from None
    return device
