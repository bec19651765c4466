"""Layers by depth: which parameters are the stem's and which each block's, and their rates."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from tcon.adapt.end_to_end.backbone import TrainedBackbone
from tcon.adapt.end_to_end.depth import depth_groups, parameters_by_depth
from tcon.cache import InputError
from tcon.extract.backbones import BackboneSpec, LoadedBackbone, get_spec, names

# Of each network, groups counted by hand: how many, and the modules with weights of the first
# three and the last.
GROUPS = {
    "resnet18": (9, ["conv1", "bn1"], ["layer1.0"], ["layer1.1"], ["layer4.1", "fc"]),
    "vit_b_32": (
        13,
        ["conv_proj"],
        ["encoder.layers.encoder_layer_0"],
        ["encoder.layers.encoder_layer_1"],
        ["encoder.layers.encoder_layer_11", "encoder.ln", "heads"],
    ),
    "swin_t": (  # the stem, 2 + 2 + 6 + 2 blocks and 3 mergings of patches
        16,
        ["features.0"],
        ["features.1.0"],
        ["features.1.1"],
        ["features.7.1", "norm", "head"],
    ),
    "convnext_tiny": (  # the stem, 3 + 3 + 9 + 3 blocks and 3 scalings
        22,
        ["features.0"],
        ["features.1.0"],
        ["features.1.1"],
        ["features.7.2", "classifier"],
    ),
    "mvit_v2_s": (
        17,
        ["conv_proj", "pos_encoding"],
        ["blocks.0"],
        ["blocks.1"],
        ["blocks.15", "norm", "head"],
    ),
}


@pytest.mark.parametrize("name", GROUPS)
def test_blocks_are_those_that_are_counted_by_hand(name: str) -> None:
    with torch.device("meta"):
        network = models.get_model(name, weights=None)
    called = {id(module): called for called, module in network.named_modules()}
    groups = [
        [called[id(module)] for module in group if any(True for _ in module.parameters())]
        for group in depth_groups(network)
    ]
    count, *shown = GROUPS[name]
    assert (len(groups), [*groups[:3], groups[-1]]) == (count, shown)


@pytest.mark.parametrize(
    "name", [*names(), "timm:vit_tiny_patch16_224", "timm:convnext_atto", "torchvision:swin_t"]
)
def test_every_parameter_is_in_one_group(name: str) -> None:
    with torch.device("meta"):
        network = get_spec(name).build()
    placed = [id(p) for group in parameters_by_depth(network) for p in group]
    assert sorted(placed) == sorted(id(p) for p in network.parameters())


def test_tokens_and_positions_belong_to_the_stem() -> None:
    with torch.device("meta"):
        network = models.vit_b_32(weights=None)
    stem = {id(p) for p in parameters_by_depth(network)[0]}
    assert id(network.class_token) in stem
    assert id(network.encoder.pos_embedding) in stem


# --- what a backbone in training makes of them


def backbone(**options: float) -> TrainedBackbone:
    torch.manual_seed(0)
    block = [nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)) for _ in range(2)]
    module = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), *block)
    module = nn.Sequential(*module, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    spec = BackboneSpec(name="toy", build=lambda: module, layer="pool", dim=4)
    loaded = LoadedBackbone(spec, module, "random", "")
    made = TrainedBackbone(
        loaded, torch.device("cpu"), precision="fp32", batch_norm="trained", **options
    )
    made.train()
    return made


def images() -> Tensor:
    return torch.arange(6 * 3 * 4 * 4).reshape(6, 3, 4, 4).remainder(256).byte()


def test_rates_fall_towards_the_input() -> None:
    made = backbone(layer_decay=0.5)
    assert [rate for _, rate in made.rates] == [0.25, 0.5, 1.0]
    assert [[tuple(p.shape) for p in group][0] for group, _ in made.rates] == [
        (4, 3, 1, 1),
        (4, 4, 1, 1),
        (4, 4, 1, 1),
    ]
    assert [rate for _, rate in backbone().rates] == [1.0]  # one group, as before
    assert [rate for _, rate in backbone(layer_decay=0.5, freeze=1).rates] == [0.5, 1.0]


def test_frozen_groups_change_neither_weights_nor_statistics() -> None:
    made = backbone(freeze=1)
    before = {name: value.clone() for name, value in made.module.state_dict().items()}
    optimiser = torch.optim.SGD(made.parameters, lr=0.1)
    made.features(images()).square().sum().backward()
    optimiser.step()
    changed = {
        name.partition(".")[0]
        for name, value in made.module.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed == {"1", "2"}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("toy", {"freeze": 3}, "toy has 3 groups of layers; e2e.backbone_lr=0 freezes all"),
        ("c3d", {"layer_decay": 0.5}, "the layers of c3d are in no order that tcon knows"),
    ],
)
def test_what_cannot_be_done_is_refused(name: str, options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        if name == "toy":
            backbone(**options)
        else:
            with torch.device("meta"):
                module = get_spec(name).build()
            loaded = LoadedBackbone(get_spec(name), module, "random", "")
            TrainedBackbone(
                loaded, torch.device("meta"), precision="fp32", batch_norm="frozen", **options
            )
