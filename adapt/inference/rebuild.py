"""A run's trained weights, read back from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ...cache import InputError
from ..methods import Method
from ..run_folder import CHECKPOINT

Statistics = Mapping[str, Mapping[str, Tensor]]


def load_checkpoint(folder: Path, method: Method) -> Statistics:
    """Put a run's last weights into its method.

    Returns:
        each domain's ``mean`` and ``deviation`` [D_in]; empty where features were not standardised.

    Raises:
        InputError: the checkpoint is missing or damaged, or is another method's.
    """
    path = folder / CHECKPOINT
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        method.load_state_dict(checkpoint["method"])
        return checkpoint["normalise"]
    except Exception as error:  # a damaged checkpoint fails in many ways
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path} does not fit its run ({reason}): repeat the run") from None
