"""torchvision's models by name against torchvision's own presets and networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from model_pictures import features_of_picture, picture, pixels
from networks import around
from torch import nn
from torchvision import models

from tcon.extract.backbones import get_spec, load_backbone


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convnext_tiny", "swin_t", "vit_b_32", "r3d_18"])
def test_features_are_what_the_classifier_is_given(tmp_path: Path, name: str) -> None:
    torch.manual_seed(0)
    network = models.get_model(name).eval()
    torch.save(network.state_dict(), tmp_path / "x.pth")
    backbone = load_backbone(f"torchvision:{name}", str(tmp_path / "x.pth"))
    (tmp_path / "x.pth").unlink()
    preset = models.get_model_weights(name).DEFAULT.transforms()
    length = backbone.spec.snippet_length
    given = preset(pixels().repeat(length, 1, 1, 1)) if length > 1 else preset(picture())
    head = [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]
    expected, logits = around(head, network, given[None])
    features = features_of_picture(backbone)
    assert features.std() > 0.1
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4)
    assert backbone.classifier is not None
    weight, bias = backbone.classifier
    torch.testing.assert_close(features @ weight.T + bias, logits, rtol=1e-4, atol=1e-4)


def test_weights_are_named_by_their_tag() -> None:
    plain, swag = get_spec("torchvision:vit_b_16"), get_spec("torchvision:vit_b_16.SWAG_E2E")
    published = models.ViT_B_16_Weights
    assert plain.weights and plain.weights.source == published.IMAGENET1K_V1.url
    assert swag.weights and swag.weights.source == published.IMAGENET1K_SWAG_E2E_V1.url
    assert swag.weights.licence.endswith("SWAG/blob/main/LICENSE")
    assert (plain.preprocessing.input_size, swag.preprocessing.input_size) == (224, 384)
    assert swag.preprocessing.interpolation == "bicubic"


def test_a_network_that_computes_its_widths_by_tensors() -> None:
    assert get_spec("torchvision:regnet_y_400mf").dim == models.regnet_y_400mf().fc.in_features


def test_another_size_keeps_the_share_of_the_crop() -> None:
    made = get_spec("torchvision:convnext_tiny,size=112").preprocessing
    assert (made.resize, made.input_size) == (118, 112)  # 236 and 224 before
