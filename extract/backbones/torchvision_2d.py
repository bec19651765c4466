"""torchvision's image networks with their classifier cut off."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torchvision import models

from .registry import register
from .spec import BackboneSpec, Weights


def _register(name: str, weights: models.WeightsEnum, *, head: str, dim: int) -> None:
    def build() -> nn.Module:
        network = models.get_model(name, weights=None)
        setattr(network, head, nn.Identity())
        return network

    def fetch() -> Path:
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        path = folder / weights.url.rpartition("/")[2]
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(weights.url, str(path), progress=False)
        return path

    register(
        BackboneSpec(
            name=name,
            build=build,
            head=f"{head}.",
            layer="global average pool",
            dim=dim,
            weights=Weights(
                name="imagenet",
                source=weights.url,
                # torchvision names its files NETWORK-FIRST8DIGITS.pth.
                sha256=weights.url.rpartition("-")[2].removesuffix(".pth"),
                licence="BSD-3-Clause",
                fetch=fetch,
            ),
        )
    )


_register("resnet18", models.ResNet18_Weights.IMAGENET1K_V1, head="fc", dim=512)
_register("resnet50", models.ResNet50_Weights.IMAGENET1K_V1, head="fc", dim=2048)
_register("resnet101", models.ResNet101_Weights.IMAGENET1K_V1, head="fc", dim=2048)
_register("mobilenet_v2", models.MobileNet_V2_Weights.IMAGENET1K_V1, head="classifier", dim=1280)
