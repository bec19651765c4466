"""torchvision's image networks with their classifier cut off."""

from __future__ import annotations

from torch import nn
from torchvision import models

from .download import weights_at
from .registry import add
from .spec import BackboneSpec


def _register(
    name: str, weights: models.WeightsEnum, *, head: str, dim: int, first_conv: str = "conv1"
) -> None:
    def build() -> nn.Module:
        network = models.get_model(name, weights=None)
        setattr(network, head, nn.Identity())
        return network

    add(
        BackboneSpec(
            name=name,
            build=build,
            heads=(f"{head}.", "new_fc."),  # torchvision's, or that of TSN's training code
            layer="global average pool",
            dim=dim,
            weights=weights_at(weights.url, name="imagenet", licence="BSD-3-Clause"),
            first_conv=first_conv,
        )
    )


_register("resnet18", models.ResNet18_Weights.IMAGENET1K_V1, head="fc", dim=512)
_register("resnet50", models.ResNet50_Weights.IMAGENET1K_V1, head="fc", dim=2048)
_register("resnet101", models.ResNet101_Weights.IMAGENET1K_V1, head="fc", dim=2048)
_register(
    "mobilenet_v2",
    models.MobileNet_V2_Weights.IMAGENET1K_V1,
    head="classifier",
    dim=1280,
    first_conv="features.0.0",
)
