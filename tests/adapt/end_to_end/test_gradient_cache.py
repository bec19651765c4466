"""A batch that goes through the backbone in parts has the gradients of the whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tcon.adapt.end_to_end.backbone import TrainedBackbone
from tcon.adapt.end_to_end.gradient_cache import GradientCache
from tcon.adapt.end_to_end.options import EndToEnd
from tcon.cache.recipe import Preprocessing
from tcon.extract.backbones import BackboneSpec, LoadedBackbone
from tcon.extract.backbones.registry import get_spec

D = 6


class Noise(nn.Module):
    """Random, in prediction too."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * torch.randn_like(x) if self.scale else x


def trained(*, batch_norm: str = "frozen", noise: float = 0.0) -> TrainedBackbone:
    """Two convolutions with batch norm, the same weights at every call."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        Noise(noise),
        nn.Dropout(0.5),
        nn.Conv2d(4, D, 3),
        nn.BatchNorm2d(D),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    spec = spec_of(module)
    backbone = TrainedBackbone(
        LoadedBackbone(spec, module, "random", ""),
        torch.device("cpu"),
        EndToEnd(precision="fp32", batch_norm=batch_norm),
    )
    backbone.train()
    return backbone


def spec_of(module: nn.Module) -> BackboneSpec:
    return BackboneSpec(
        name="toy",
        build=lambda: module,
        heads=(),
        layer="pool",
        dim=D,
        weights=get_spec("resnet18").weights,
        preprocessing=Preprocessing(input_size=8, resize=8),
    )


def batch() -> list[Tensor]:
    """Five source videos of 2 images and three target videos of 3."""
    torch.manual_seed(1)
    return [torch.randint(256, (b, k, 3, 8, 8), dtype=torch.uint8) for b, k in ((5, 2), (3, 3))]


def loss_of(features: list[Tensor]) -> Tensor:
    """Of all videos together, so that no part's gradient follows from the part alone."""
    source, target = (f.mean(1) for f in features)  # [B, D]
    return (source @ target.T).softmax(1).square().sum() + source.square().sum()


def gradients(backbone: TrainedBackbone, micro_batch: int) -> list[Tensor]:
    passes = GradientCache(backbone, micro_batch)
    loss_of(passes.forward(batch(), (7, 3))).backward()
    passes.backward()
    return [p.grad for p in backbone.parameters]


@pytest.mark.parametrize("micro_batch", [1, 3, 8, 18])  # images: 3 and 8 divide a video
def test_parts_have_the_gradients_of_the_whole(micro_batch: int) -> None:
    whole = trained()
    images = batch()
    direct = [whole.features(x.flatten(0, 1)).unflatten(0, x.shape[:2]) for x in images]
    loss_of(direct).backward()
    for expected, got in zip(whole.parameters, gradients(trained(), micro_batch), strict=True):
        torch.testing.assert_close(got, expected.grad, rtol=1e-4, atol=1e-6)


def test_a_batch_that_fits_passes_once() -> None:
    def passed(micro_batch: int) -> int:
        calls, backbone = 0, trained()
        original: Callable[[Tensor], Tensor] = backbone.features

        def features(images: Tensor) -> Tensor:
            nonlocal calls
            calls += len(images)
            return original(images)

        backbone.features = features
        gradients(backbone, micro_batch)
        return calls

    assert passed(19) == 19
    assert passed(18) == 2 * 19


def test_both_passes_draw_alike() -> None:
    """The gradient is that of the very features which the loss saw."""
    backbone = trained(noise=0.5)
    passes = GradientCache(backbone, 3)
    given = passes.forward(batch(), (7, 3))
    seen = [f.detach().clone() for f in given]
    again = []
    original = backbone.features

    def features(images: Tensor) -> Tensor:
        again.append(original(images))
        return again[-1]

    backbone.features = features
    loss_of(given).backward()
    passes.backward()
    assert torch.equal(torch.cat(again), torch.cat([f.flatten(0, 1) for f in seen]))
    other = GradientCache(trained(noise=0.5), 3).forward(batch(), (7, 4))
    assert not torch.equal(other[0], seen[0])  # another step draws others


@pytest.mark.parametrize("micro_batch", [3, 19])
def test_statistics_are_learned_once(micro_batch: int) -> None:
    """As if every part had gone through the batch norm in training mode one time."""
    backbone, plain = trained(batch_norm="partial"), trained(batch_norm="partial")
    gradients(backbone, micro_batch)
    for images in batch():
        for part in images.flatten(0, 1).split(micro_batch):
            plain.features(part)
    for name, expected in plain.module.state_dict().items():
        torch.testing.assert_close(backbone.module.state_dict()[name], expected)
    first, second = (m for m in backbone.module if isinstance(m, nn.BatchNorm2d))
    assert not torch.equal(first.running_mean, torch.zeros(4))
    assert torch.equal(second.running_mean, torch.zeros(D))


@pytest.mark.parametrize(
    ("batch_norm", "trainable"), [("partial", 6), ("frozen", 4), ("trained", 8)]
)
def test_partial_batch_norm_trains_the_first_alone(batch_norm: str, trainable: int) -> None:
    backbone = trained(batch_norm=batch_norm)
    assert len(backbone.parameters) == trainable
    backbone.eval()
    assert not any(m.training for m in backbone.module.modules())
    backbone.train()
    norms = [m.training for m in backbone.module if isinstance(m, nn.BatchNorm2d)]
    assert (
        norms
        == {
            "partial": [True, False],
            "frozen": [False, False],
            "trained": [True, True],
        }[batch_norm]
    )


def test_a_method_that_ignores_the_target_gives_it_no_gradient() -> None:
    backbone = trained()
    passes = GradientCache(backbone, 2)
    source, _ = passes.forward(batch(), (0,))
    source.sum().backward()
    passes.backward()
    assert all(p.grad is not None for p in backbone.parameters)


def test_nothing_in_the_backbone_is_dropped() -> None:
    """Co-attention would be noisy (ambiguity B31)."""
    backbone, (images, _) = trained(batch_norm="partial"), batch()
    assert torch.equal(*(backbone.features(images.flatten(0, 1)) for _ in range(2)))


def test_a_frozen_backbone_is_in_evaluation() -> None:
    backbone = trained(noise=0.5)
    frozen = TrainedBackbone(
        LoadedBackbone(spec_of(backbone.module), backbone.module, "random", ""),
        torch.device("cpu"),
        EndToEnd(precision="fp32", batch_norm="trained", backbone_lr=0),
    )
    frozen.train()
    passes, passed = GradientCache(frozen, 3), []
    features = passes.forward(batch(), (7, 3))
    frozen.features = passed.append
    loss_of(features).backward()
    passes.backward()
    assert not passed  # nothing to go back to
    assert not frozen.parameters
    assert not any(module.training for module in list(frozen.module.modules()))
