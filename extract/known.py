"""Backbones and weights that there are not are refused at once: importing torch takes seconds."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path

from ..cache.common.files.regular import require_file
from ..cache.errors import InputError, unknown_backbone

BACKBONES = (
    *("bninception", "c3d", "c3d_fc6", "efficientnet_lite0", "efficientnet_lite1"),
    *("efficientnet_lite2", "mc3_18", "mobilenet_v2"),
    *("mvit_v2_s", "r2plus1d_18", "r3d_18", "resnet101", "resnet18", "resnet50", "s3d", "swin3d_t"),
)


def require_known(backbone: str | None, *weights: str | Path | None) -> None:
    """Refuse a backbone or weights that there are not.

    Args:
        backbone: its name; not judged where it is of a library, or plug-ins may have
            brought others.
        weights: checkpoints, folders of runs, or "random"; None for the published ones.

    Raises:
        InputError: says which.
    """
    if backbone:
        _require_backbone(backbone)
    for path in map(str, filter(None, weights)):
        if path == "random" or Path(path).is_dir():
            continue
        if not Path(path).exists():
            raise InputError(
                f"there are no weights {path}: name a checkpoint, the folder of a run, or random"
            )
        try:
            require_file(Path(path))
        except ValueError as error:
            raise InputError(f"cannot read the weights {path}: {error}") from None


def _require_backbone(name: str) -> None:
    registry = f"{__package__}.backbones"
    if ":" in name or registry in sys.modules or entry_points(group="tcon.backbones"):
        return
    if name not in BACKBONES:
        raise unknown_backbone(name, BACKBONES)
