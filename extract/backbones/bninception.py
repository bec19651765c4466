"""BN-Inception, the network of TSN, with the names of its public checkpoints."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...cache.recipe import Preprocessing
from .download import weights_at
from .registry import add
from .spec import BackboneSpec

# Output channels of each branch: 1x1; 3x3 (reduce, conv); double 3x3 (reduce, both convs); pool's
# projection. Blocks without 1x1 halve the resolution and pass the pooled maps through.
_BLOCKS = {
    "3a": (64, (64, 64), (64, 96), 32),
    "3b": (64, (64, 96), (64, 96), 64),
    "3c": (0, (128, 160), (64, 96), 0),
    "4a": (224, (64, 96), (96, 128), 128),
    "4b": (192, (96, 128), (96, 128), 128),
    "4c": (160, (128, 160), (128, 160), 128),
    "4d": (96, (128, 192), (160, 192), 128),
    "4e": (0, (128, 192), (192, 256), 0),
    "5a": (352, (192, 320), (160, 224), 128),
    "5b": (352, (192, 320), (192, 224), 128),
}


class BNInception(nn.Module):
    """BN-Inception up to the global average pool.

    Every convolution NAME has a bias and is followed by the batch norm NAME_bn and ReLU.
    """

    def __init__(self) -> None:
        super().__init__()
        self._add("conv1_7x7_s2", 3, 64, 7, stride=2)
        self._add("conv2_3x3_reduce", 64, 64, 1)
        self._add("conv2_3x3", 64, 192, 3)
        channels = 192
        for block, (single, three, double, projection) in _BLOCKS.items():
            name, stride = f"inception_{block}", 1 if single else 2
            if single:
                self._add(f"{name}_1x1", channels, single, 1)
            self._add(f"{name}_3x3_reduce", channels, three[0], 1)
            self._add(f"{name}_3x3", *three, 3, stride=stride)
            self._add(f"{name}_double_3x3_reduce", channels, double[0], 1)
            self._add(f"{name}_double_3x3_1", *double, 3)
            self._add(f"{name}_double_3x3_2", double[1], double[1], 3, stride=stride)
            if projection:
                self._add(f"{name}_pool_proj", channels, projection, 1)
            channels = single + three[1] + double[1] + (projection or channels)

    def _add(self, name: str, inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> None:
        self.add_module(name, nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2))
        self.add_module(f"{name}_bn", nn.BatchNorm2d(outputs))

    def _run(self, x: Tensor, *names: str) -> Tensor:
        """Convolution, batch norm and ReLU for each of ``names``."""
        for name in names:
            x = F.relu(getattr(self, f"{name}_bn")(getattr(self, name)(x)))
        return x

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images [n, 3, 224, 224] to features [n, 1024]."""
        x = self._run(images, "conv1_7x7_s2")  # [n, 64, 112, 112]
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)  # [n, 64, 56, 56]
        x = self._run(x, "conv2_3x3_reduce", "conv2_3x3")  # [n, 192, 56, 56]
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)  # [n, 192, 28, 28]
        for block in _BLOCKS:
            x = self._inception(x, block)
        return x.mean((2, 3))  # [n, 1024, 7, 7] to [n, 1024]

    def _inception(self, x: Tensor, block: str) -> Tensor:
        single, _, _, projection = _BLOCKS[block]
        name = f"inception_{block}"
        if not single:
            pooled = F.max_pool2d(x, 3, 2, ceil_mode=True)
        elif block == "5b":
            pooled = F.max_pool2d(x, 3, 1, 1, ceil_mode=True)
        else:
            pooled = F.avg_pool2d(x, 3, 1, 1, ceil_mode=True)
        branches = [
            self._run(x, f"{name}_3x3_reduce", f"{name}_3x3"),
            self._run(x, *(f"{name}_double_3x3_{part}" for part in ("reduce", "1", "2"))),
            self._run(pooled, f"{name}_pool_proj") if projection else pooled,
        ]
        if single:
            branches.insert(0, self._run(x, f"{name}_1x1"))
        return torch.cat(branches, 1)


add(
    BackboneSpec(
        name="bninception",
        build=BNInception,
        # pretrainedmodels', that of TSN's model zoo, that of TSN's training code
        heads=("last_linear.", "fc.", "new_fc."),
        layer="global average pool",
        dim=1024,
        weights=weights_at(
            "http://data.lip6.fr/cadene/pretrainedmodels/bn_inception-52deb4733.pth",
            name="imagenet",
            licence="not stated",
        ),
        preprocessing=Preprocessing(
            mean=(104.0, 117.0, 128.0),
            std=(1.0, 1.0, 1.0),
            channel_order="BGR",
            value_range=255.0,
        ),
        first_conv="conv1_7x7_s2",
        flow_mean=128.0,
    )
)
