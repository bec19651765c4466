"""What of a backbone is trained, at which rates, whatever library it is of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import timm
import torch
import transformers
from torch import Tensor, nn
from torchvision import models

from tcon.adapt.config.runs import make_runs
from tcon.adapt.end_to_end.backbone import TrainedBackbone, depth_note, synchronised
from tcon.adapt.end_to_end.feed import feature_spread
from tcon.adapt.end_to_end.memory.step import kept_bytes
from tcon.adapt.end_to_end.options import EndToEnd
from tcon.adapt.training.health import findings
from tcon.cache import InputError
from tcon.cache.recipe import Preprocessing
from tcon.extract.backbones import BackboneSpec, LoadedBackbone
from tcon.extract.backbones.libraries.huggingface import HuggingFaceBackbone

SIZE = 32


def normed() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU()),
        *(nn.Conv2d(6, 6, 3), nn.BatchNorm2d(6), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


def timm_vit() -> nn.Module:
    drop = {"drop_rate": 0.5, "attn_drop_rate": 0.5, "drop_path_rate": 0.5}
    sizes = {"img_size": SIZE, "patch_size": 8, "depth": 3, "embed_dim": 16, "num_heads": 2}
    return timm.models.VisionTransformer(**sizes, **drop, num_classes=0)


def hf_swin() -> nn.Module:
    """With the stochastic depth that its configurations have."""
    config = transformers.SwinConfig(
        image_size=SIZE,
        embed_dim=8,
        depths=[1, 2],
        num_heads=[2, 2],
        window_size=4,
        drop_path_rate=0.5,
        attention_probs_dropout_prob=0.5,
    )
    return HuggingFaceBackbone(transformers.SwinModel(config), "mean", resampled=False)


def convnext() -> nn.Module:
    return timm.models.ConvNeXt(depths=(1, 1, 2, 1), dims=(8, 8, 16, 16), num_classes=0)


SLOW_SWIN = pytest.param(hf_swin, marks=pytest.mark.slow)
WITHOUT_BATCH_NORM = [timm_vit, SLOW_SWIN, convnext]


def trained(build: Callable[[], nn.Module], **options: object) -> TrainedBackbone:
    torch.manual_seed(0)
    spec = BackboneSpec(
        name="toy",
        build=build,
        layer="pool",
        dim=1,
        preprocessing=Preprocessing(input_size=SIZE, resize=SIZE),
    )
    loaded = LoadedBackbone(spec, build(), "random", "")
    backbone = TrainedBackbone(
        loaded, torch.device("cpu"), EndToEnd(precision="fp32", batch_norm="trained", **options)
    )
    backbone.train()
    return backbone


def images(n: int = 8) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(256, (n, 3, SIZE, SIZE), dtype=torch.uint8, generator=generator)


def rates(backbone: TrainedBackbone) -> dict[str, float]:
    names = {p: name for name, p in backbone.module.named_parameters()}
    return {names[p]: rate for group, rate in backbone.parameter_groups for p in group}


def test_each_depth_has_its_rate() -> None:
    backbone = trained(timm_vit, backbone_lr=0.5, layer_decay=0.8)
    expected = {
        "cls_token": 0.5 * 0.8**3,
        "patch_embed.proj.weight": 0.5 * 0.8**3,
        "blocks.0.norm1.weight": 0.5 * 0.8**2,
        "blocks.1.attn.qkv.weight": 0.5 * 0.8,
        "blocks.2.mlp.fc2.bias": 0.5,
        "norm.weight": 0.5,
    }
    got = rates(backbone)
    assert {name: got[name] for name in expected} == pytest.approx(expected)
    assert got.keys() == dict(backbone.module.named_parameters()).keys()
    assert depth_note(backbone) == "toy has 4 depths: trained at 0.26 to 0.5 times train.lr."


@pytest.mark.parametrize("build", [normed, timm_vit])
def test_without_decay_all_have_one_rate_in_their_order(build: Callable[[], nn.Module]) -> None:
    backbone = trained(build, backbone_lr=0.5)
    [(members, rate)] = backbone.parameter_groups
    assert rate == 0.5 and all(map(torch.equal, members, backbone.module.parameters()))


def test_frozen_depths_learn_nothing_nor_do_their_batch_norms() -> None:
    backbone = trained(normed, freeze=2)
    before = {name: t.clone() for name, t in backbone.module.state_dict().items()}
    backbone.features(images()).square().sum().backward()
    torch.optim.SGD(backbone.parameters, lr=1.0).step()
    after = backbone.module.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {"6.weight", "7.weight", "7.running_mean", "7.num_batches_tracked"} <= changed
    assert all(name.startswith(("6.", "7.")) for name in changed)
    assert depth_note(backbone) == (
        "toy has 3 depths: the first 2 frozen, trained at 1 times train.lr."
    )


def test_the_stem_is_the_first_depth() -> None:
    (run,) = make_runs(["tcon"], ["e2e.freeze=stem"], end_to_end=True)
    assert run.end_to_end.freeze == 1
    assert not {"cls_token", "patch_embed.proj.weight"} & rates(trained(timm_vit, freeze=1)).keys()


def test_a_network_that_would_be_frozen_as_a_whole() -> None:
    with pytest.raises(InputError, match=r"e2e.freeze=4 leaves nothing of toy to train, .* has 4"):
        trained(timm_vit, freeze=4)
    with pytest.raises(InputError, match=r"^e2e.freeze=-1: must be at least 0$"):
        make_runs(["tcon"], ["e2e.freeze=-1"], end_to_end=True)


@pytest.mark.parametrize("build", WITHOUT_BATCH_NORM)
def test_nothing_is_dropped_by_any_librarys_layers(build: Callable[[], nn.Module]) -> None:
    backbone = trained(build)
    assert torch.equal(*(backbone.features(images()) for _ in range(2)))


@pytest.mark.parametrize("build", WITHOUT_BATCH_NORM)
def test_without_batch_norm_its_setting_changes_nothing(build: Callable[[], nn.Module]) -> None:
    backbone = trained(build)
    assert not backbone.norms
    assert len(backbone.parameters) == len(list(backbone.module.parameters()))
    before = {name: t.clone() for name, t in backbone.module.named_buffers()}
    with backbone.keeping_statistics():
        backbone.features(images())
    assert all(torch.equal(before[name], t) for name, t in backbone.module.named_buffers())


@pytest.mark.parametrize("build", [normed, *WITHOUT_BATCH_NORM])
def test_features_that_collapse_are_found_whatever_normalises_them(
    build: Callable[[], nn.Module],
) -> None:
    """Those of a network that does not look at its input, but has a large output."""
    backbone = trained(build)

    def found() -> list[str]:
        spread = float(feature_spread(backbone.features(images())[:, None]))
        seen = findings([{"feature_spread": spread, "target_top_class": 0.5}], method="tcon")
        return [finding.kind for finding in seen]

    assert found() == []
    first = next(m for m in backbone.module.modules() if isinstance(m, nn.Conv2d))
    nn.init.normal_(first.weight, std=1e-4)
    nn.init.normal_(first.bias)
    backbone.eval()
    assert found() == ["features alike"]


def test_batch_norms_of_a_library_keep_their_activations() -> None:
    assert isinstance(synchronised(normed(), "toy")[1], nn.SyncBatchNorm)
    with pytest.raises(InputError, match=r"batch norms of toy \(BatchNormAct2d\) cannot share"):
        synchronised(nn.Sequential(timm.layers.BatchNormAct2d(4)), "toy")


@pytest.mark.parametrize("build", [timm_vit, SLOW_SWIN, models.resnet18])
def test_memory_without_values_is_that_with_them(build: Callable[[], nn.Module]) -> None:
    """Above all of attention, whose weights fused kernels do not keep."""
    real, sketch = trained(build), trained(build)
    image = (3, SIZE, SIZE)
    assert kept_bytes(sketch.module.to("meta"), image, 4) == pytest.approx(
        kept_bytes(real.module, image, 4), rel=0.02
    )


def test_a_frozen_depth_keeps_nothing() -> None:
    image = (3, SIZE, SIZE)
    every, some = (kept_bytes(trained(timm_vit, freeze=n).module, image, 4) for n in (0, 2))
    assert some < 0.8 * every


@pytest.mark.parametrize("backbone", ["timm:vit_tiny_patch16_224", "efficientnet_lite0"])
def test_published_weights_are_trained_gently(backbone: str) -> None:
    (run,) = make_runs(["tcon"], [f"e2e.backbone={backbone}"], end_to_end=True)
    assert (run.end_to_end.backbone_lr, run.options.lambda_d) == (0.1, 0.03)
    random = ["e2e.weights=random", f"e2e.backbone={backbone}"]
    (run,) = make_runs(["tcon"], random, end_to_end=True)
    assert (run.end_to_end.backbone_lr, run.options.lambda_d) == (1.0, 1.0)
