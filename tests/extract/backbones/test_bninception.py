"""BN-Inception against pretrainedmodels' implementation, with every form of its checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pretrainedmodels
import pytest
import torch
from PIL import Image
from pretrainedmodels.utils import TransformImage
from torch import Tensor, nn
from torchvision.transforms.functional import center_crop

from tcon.extract.backbones import get_spec, load_backbone
from tcon.extract.snippets.transforms import normalise, resize

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """With random weights that keep the scale of the activations, and random statistics."""
    torch.manual_seed(5)
    network = pretrainedmodels.bninception(num_classes=1000, pretrained=None).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return network


@pytest.fixture(scope="module")
@torch.inference_mode()
def expected(network: nn.Module) -> tuple[Tensor, Tensor]:
    """Pooled features and logits of `_images`."""
    maps = network.features(_images())
    return maps.mean((2, 3)), network.logits(maps)


def _images() -> Tensor:
    return torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def _pretrainedmodels(state: State) -> object:
    return state


def _model_zoo(state: State) -> object:
    """TSN's model zoo: another classifier, vectors of batch norms as [1, C], no counters."""
    return {
        key.replace("last_linear.", "fc."): value[None] if "_bn." in key else value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }


def _tsn(state: State) -> object:
    """TSN's training code: the network is wrapped twice, its classifier stands beside it."""
    inner = {f"base_model.{key}": value for key, value in state.items()}
    for part in ("weight", "bias"):
        inner[f"new_fc.{part}"] = inner.pop(f"base_model.last_linear.{part}")
    return {
        "epoch": 80,
        "arch": "BNInception",
        "state_dict": {f"module.{key}": value for key, value in inner.items()},
        "best_prec1": 50.0,
    }


@pytest.mark.parametrize("form", [_pretrainedmodels, _model_zoo, _tsn])
def test_features_and_logits_are_those_of_the_other_implementation(
    tmp_path: Path,
    network: nn.Module,
    expected: tuple[Tensor, Tensor],
    form: Callable[[State], object],
) -> None:
    torch.save(form(network.state_dict()), tmp_path / "x.pth")
    backbone = load_backbone("bninception", str(tmp_path / "x.pth"))
    with torch.inference_mode():
        features = backbone.module(_images())
    assert features.shape == (2, 1024)
    assert features.std() > 0.01
    torch.testing.assert_close(features, expected[0], rtol=1e-4, atol=1e-4)
    assert backbone.classifier is not None
    weight, bias = backbone.classifier
    torch.testing.assert_close(features @ weight.T + bias, expected[1], rtol=1e-4, atol=1e-4)


def test_names_are_those_of_the_other_implementation(network: nn.Module) -> None:
    keys = {key for key in network.state_dict() if not key.startswith("last_linear.")}
    assert set(load_backbone("bninception", "random").module.state_dict()) == keys


def test_preprocessing_is_the_published_one() -> None:
    """A photo-like picture through the other implementation's own transform."""
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize((400, 300), Image.Resampling.BICUBIC)
    settings = pretrainedmodels.pretrained_settings["bninception"]["imagenet"]
    theirs = TransformImage(type("Settings", (), settings))(image)
    preprocessing = get_spec("bninception").preprocessing
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
    ours = normalise(center_crop(resize(pixels, preprocessing), [224]), preprocessing)[0]
    difference = (ours - theirs).abs()  # in pixel values
    assert difference.max() <= 2.01
    assert difference.mean() < 0.1
    weights = get_spec("bninception").weights
    assert weights.source == settings["url"]
    assert weights.sha256 == "52deb4733"
