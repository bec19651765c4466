"""How deep the parts of networks lie: tables by hand, and timm's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import timm
import torch
from timm.models import group_parameters
from torch import nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.video.mvit import MSBlockConfig, MViT

from tcon.adapt.end_to_end.depth import depth_groups
from tcon.extract.backbones import get_spec, names


def names_by_depth(network: nn.Module) -> list[list[str]]:
    called = {parameter: name for name, parameter in network.named_parameters()}
    return [
        [called[p] for module in group for p in module.parameters(recurse=False)]
        for group in depth_groups(network)
    ]


def vit() -> nn.Module:
    return models.VisionTransformer(32, 8, 3, 2, 16, 32)


def swin() -> nn.Module:
    return models.SwinTransformer([4, 4], 8, [2, 2], [2, 2], [4, 4])


def convnext() -> nn.Module:
    return models.ConvNeXt([CNBlockConfig(8, 16, 1), CNBlockConfig(16, None, 2)])


def mvit() -> nn.Module:
    def block(width: int, to: int) -> MSBlockConfig:
        return MSBlockConfig(1, width, to, [3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 1, 1])

    options = ("residual_pool", "residual_with_cls_embed", "rel_pos_embed", "proj_after_attn")
    blocks = [block(8, 8), block(8, 16), block(16, 16)]
    return MViT((32, 32), 4, blocks, **dict.fromkeys(options, True))


# The first parameter of each depth; the others follow up to the next.
TABLES: dict[Callable[[], nn.Module], list[str]] = {
    vit: [
        "class_token",
        "encoder.layers.encoder_layer_0.ln_1.weight",
        "encoder.layers.encoder_layer_1.ln_1.weight",
        "encoder.layers.encoder_layer_2.ln_1.weight",
    ],
    swin: [
        "features.0.0.weight",
        "features.1.0.norm1.weight",
        "features.1.1.norm1.weight",
        "features.2.reduction.weight",  # the merging of patches, and the block after it
        "features.3.1.norm1.weight",
    ],
    convnext: [
        "features.0.0.weight",
        "features.1.0.layer_scale",
        "features.2.0.weight",  # the downsampling, and the block after it
        "features.3.1.layer_scale",
    ],
    models.resnet18: ["conv1.weight"]
    + [f"layer{stage}.{block}.conv1.weight" for stage in (1, 2, 3, 4) for block in (0, 1)],
    mvit: [
        "conv_proj.weight",
        "blocks.0.norm1.weight",
        "blocks.1.norm1.weight",
        "blocks.2.norm1.weight",
    ],
    # Blocks of one convolution, squeeze and excitation inside blocks, and a stage of one block.
    models.efficientnet_b0: ["features.0.0.weight"]
    + [
        f"features.{stage}.{block}.block.0.0.weight"
        for stage, blocks in enumerate((1, 2, 2, 3, 3, 4, 1), 1)
        for block in range(blocks)
    ],
    # Without blocks every layer counts.
    get_spec("c3d_fc6").build: [
        f"{layer}.weight"
        for layer in ("conv1", "conv2", "conv3a", "conv3b", "conv4a", "conv4b", "conv5a", "conv5b")
    ]
    + ["fc6.weight"],
}


@pytest.mark.parametrize("build", TABLES)
def test_depths_by_hand(build: Callable[[], nn.Module]) -> None:
    with torch.device("meta"):
        network = build()
    assert [group[0] for group in names_by_depth(network)] == TABLES[build]


@pytest.mark.parametrize(
    "model",
    ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "resnet18", "vgg11", "levit_128s"],
)
def test_depths_are_those_of_timm(model: str) -> None:
    with torch.device("meta"):
        network = timm.create_model(model, num_classes=0)
    groups = group_parameters(network, network.group_matcher(coarse=False))
    expected = [sorted(groups[depth]) for depth in sorted(groups)]
    assert [sorted(group) for group in names_by_depth(network)] == expected


@pytest.mark.parametrize("name", names())
def test_every_parameter_has_one_depth(name: str) -> None:
    with torch.device("meta"):
        network = get_spec(name).build()
    placed = [called for group in names_by_depth(network) for called in group]
    assert placed == [called for called, _ in network.named_parameters()]


def test_what_wraps_a_network_is_no_depth() -> None:
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3))
    wrapped = nn.Module()
    wrapped.network = layers
    expected = [
        ["network.0.weight", "network.0.bias", "network.1.weight", "network.1.bias"],
        ["network.3.weight", "network.3.bias"],
    ]
    assert names_by_depth(wrapped) == expected
