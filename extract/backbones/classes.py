"""Names of the classes that published weights distinguish."""

from __future__ import annotations

from torchvision.models import ResNet50_Weights
from torchvision.models.video import R3D_18_Weights

_NAMES = {
    "imagenet": ResNet50_Weights.IMAGENET1K_V1.meta["categories"],
    "kinetics400": R3D_18_Weights.KINETICS400_V1.meta["categories"],
}


def class_names(weights: str) -> list[str]:
    """Class names of the published weights "imagenet", ..., in the order of the classifier.

    Empty where no installed package has them (Sports-1M).
    """
    return _NAMES.get(weights, [])
