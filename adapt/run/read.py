"""Read what a run's folder holds beside its record: weights and what looked wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ...cache.common.records import from_data
from ...cache.errors import InputError, shorten
from ..training.health import Finding
from .folder import CHECKPOINT, HEALTH, RESUME, is_finished


def has_final_weights(path: Path) -> bool:
    """Whether a folder holds a finished run, or what is deployed of one: record and weights."""
    return is_finished(path) or ((path / CHECKPOINT).exists() and not (path / RESUME).exists())


def load_weights(path: Path, method: nn.Module) -> Mapping[str, Mapping[str, Tensor]]:
    """Load a run's final weights into its method, on the CPU.

    Args:
        path: the run's folder.
        method: as the run's record builds it.

    Returns:
        by domain the ``mean`` and ``deviation`` [D_in] that its features were standardised by;
        empty where they were not.

    Raises:
        InputError: the checkpoint is missing or damaged, or is another method's.
    """
    file = path / CHECKPOINT
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        method.load_state_dict(checkpoint["method"])
        return checkpoint["normalise"]
    except Exception as error:  # a damaged checkpoint fails in many ways
        reason = shorten(str(error).partition("\n")[0])
        raise InputError(
            f"{file} does not fit its run ({reason}): delete the run and repeat it"
        ) from None


def read_health(path: Path) -> list[Finding]:
    """What looked wrong in a run; nothing where it did not say.

    Args:
        path: the run's folder.

    Raises:
        InputError: the file is damaged.
    """
    file = path / HEALTH
    try:
        content = file.read_bytes() if file.exists() else b"[]"
        return from_data(list[Finding], json.loads(content))
    except (OSError, ValueError, RecursionError) as error:
        reason = shorten(" ".join(str(error).split()))
        raise InputError(f"{file} is damaged ({reason}): delete the run and repeat it") from None
