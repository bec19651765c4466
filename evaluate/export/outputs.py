"""What an export's file may be called and where it may lie, told before anything heavy is
imported."""

from __future__ import annotations

import os
from pathlib import Path

from ...cache.errors import InputError

MODEL_SUFFIXES = (".pt2", ".onnx")


def require_model_output(output: Path) -> None:
    """Refuse a file that a model cannot be written as.

    Raises:
        InputError: another suffix, or a folder that cannot be written.
    """
    if output.suffix not in MODEL_SUFFIXES:
        raise InputError(f"{output}: name it FILE.pt2 (torch.export) or FILE.onnx")
    if not os.access(output.parent, os.W_OK):
        raise InputError(f"cannot write {output}: no such folder, or permission denied")


def require_npz_output(output: Path) -> None:
    """Refuse a file that features cannot be written as.

    Raises:
        InputError: another suffix, or no such folder.
    """
    if output.suffix != ".npz":
        raise InputError(f"{output} must end in .npz")
    if not output.parent.is_dir():
        raise InputError(f"no such folder: {output.parent}: make it first")
