"""Try a backbone on a batch of zeros before any video is decoded."""

from __future__ import annotations

import torch

from ...cache.errors import InputError, shorten
from ..snippets.transforms import normalise
from .registry import LoadedBackbone

_BATCH = 2  # more than one: a module that drops or mixes the batch dimension is found out


@torch.inference_mode()
def try_backbone(backbone: LoadedBackbone, shape: tuple[int, ...]) -> bool:
    """Run a backbone once, on the CPU in float32.

    Args:
        backbone: as loaded.
        shape: of one snippet, [c, S, S] or [c, L, S, S].

    Returns:
        whether features have a sign: those behind a ReLU are never negative.

    Raises:
        InputError: it fails, or does not give finite features [n, dim]; one line that says what
            came instead.
    """
    spec = backbone.spec
    asked = f"the backbone {spec.name}, given a batch of zeros {[_BATCH, *shape]},"
    zeros = torch.zeros(_BATCH, *shape, dtype=torch.uint8)
    try:
        features = backbone.module(normalise(zeros, spec.preprocessing))  # [n, D]
    except Exception as error:  # whatever a module of the user's own raises
        reason = shorten(" ".join(str(error).split()) or "without a message")
        raise InputError(f"{asked} raises {type(error).__name__}: {reason}") from None
    if not isinstance(features, torch.Tensor):
        raise InputError(f"{asked} gives a {type(features).__name__}, not a tensor of features")
    wanted = [_BATCH, spec.dim]
    if list(features.shape) != wanted:
        raise InputError(
            f"{asked} gives features {list(features.shape)}, not {wanted}: fix its forward or the "
            "dim that it is registered with"
        )
    if not features.isfinite().all():
        raise InputError(f"{asked} gives features that are not finite")
    return bool((features < 0).any())
