"""The number format that the backbone computes in."""

from __future__ import annotations

import torch

from ...cache import InputError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_precision(precision: str, device: torch.device) -> str:
    """Resolve "auto": the fastest 16-bit format that the device computes in, else fp32.

    Raises:
        InputError: an unknown precision.
    """
    if precision != "auto":
        if precision not in DTYPES:
            raise InputError(f"precision '{precision}' is not one of auto, {', '.join(DTYPES)}")
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    has_bf16 = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bf16" if device.type == "cpu" and has_bf16() else "fp32"
