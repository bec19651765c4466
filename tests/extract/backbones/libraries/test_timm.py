"""timm's models by name against timm's own transforms and networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from model_pictures import features_of_picture, picture
from safetensors.torch import save_file
from timm.data import create_transform, resolve_model_data_config

from tcon.cache import InputError
from tcon.extract.backbones import get_spec, load_backbone

MODELS = {
    "vit_tiny_patch16_224": lambda network, maps: network.forward_head(maps, pre_logits=True),
    "vit_tiny_patch16_224,pool=token": lambda _, maps: maps[:, 0],
    "vit_tiny_patch16_224,pool=mean": lambda _, maps: maps[:, 1:].mean(1),
    "convnext_atto": lambda network, maps: network.forward_head(maps, pre_logits=True),
    "swin_s3_tiny_224,pool=mean": lambda _, maps: maps.mean((1, 2)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_features_are_those_of_timm(tmp_path: Path, name: str) -> None:
    torch.manual_seed(0)
    network: Any = timm.create_model(name.partition(",")[0]).eval()
    save_file(network.state_dict(), tmp_path / "x.safetensors")
    backbone = load_backbone(f"timm:{name}", str(tmp_path / "x.safetensors"))
    (tmp_path / "x.safetensors").unlink()
    transform: Any = create_transform(**resolve_model_data_config(network))
    with torch.inference_mode():
        maps = network.forward_features(transform(picture())[None])
        expected = MODELS[name](network, maps)
    features = features_of_picture(backbone)
    assert features.shape == (1, backbone.spec.dim)
    assert features.std() > 0.1
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4)
    if backbone.spec.heads:
        assert backbone.classifier is not None
        with torch.inference_mode():
            logits = network.get_classifier()(features)
        weight, bias = backbone.classifier
        torch.testing.assert_close(features @ weight.T + bias, logits, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientvit_m0", "caformer_s18"])
def test_a_classifier_of_several_layers_is_left_out(tmp_path: Path, name: str) -> None:
    network: Any = timm.create_model(name).eval()
    save_file(network.state_dict(), tmp_path / "x.safetensors")
    backbone = load_backbone(f"timm:{name}", str(tmp_path / "x.safetensors"))
    assert backbone.classifier is None  # a norm or a hidden layer stands before the linear layer
    network.reset_classifier(0)
    zeros = torch.zeros(1, 3, 224, 224)
    with torch.inference_mode():
        torch.testing.assert_close(backbone.module(zeros), network(zeros))


@pytest.mark.slow
def test_another_size_resamples_position_embeddings(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network: Any = timm.create_model("vit_tiny_patch16_224")
    torch.save(network.state_dict(), tmp_path / "x.pth")
    network.set_input_size((96, 96))
    with torch.inference_mode():
        expected = network.eval().pos_embed
    backbone = load_backbone("timm:vit_tiny_patch16_224,size=96", str(tmp_path / "x.pth"))
    made = backbone.spec.preprocessing
    assert (made.resize, made.input_size) == (106, 96)  # 0.9 of it, as of 248 and 224
    torch.testing.assert_close(backbone.module.network.pos_embed, expected, rtol=1e-4, atol=1e-4)


def test_what_weights_need_is_read_from_their_configuration() -> None:
    squashed = get_spec("timm:convnext_base.fb_in22k_ft_in1k_384").preprocessing
    assert (squashed.resize, squashed.input_size) == ((384, 384), 384)
    spec = get_spec("timm:vit_base_patch16_siglip_224.webli")
    assert (spec.preprocessing.mean, spec.preprocessing.interpolation) == ((0.5,) * 3, "bicubic")
    assert spec.weights and spec.weights.licence == "apache-2.0"
    spec = get_spec("timm:vit_base_patch14_dinov2.lvd142m,size=224,revision=abc")
    assert (spec.preprocessing.resize, spec.dim) == (224, 768)
    assert spec.weights and (spec.weights.name, spec.weights.revision) == ("lvd142m", "abc")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vit_tiny_patch16_22", "did you mean vit_tiny_patch16_224"),
        ("convnext_atto.foo", "there are d2_in1k"),
        ("convnext_atto.", "there are d2_in1k"),
        ("convnext_atto,pool=token", "has no class token"),
        ("vit_tiny_patch16_224,pool=projected", "pooled by token or mean"),
    ],
)
def test_a_wrong_model_is_refused(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        get_spec(f"timm:{name}")


@pytest.mark.slow
def test_another_models_file_is_refused_in_one_line(tmp_path: Path) -> None:
    torch.save(timm.create_model("resnet18").state_dict(), tmp_path / "x.pth")
    with pytest.raises(InputError, match="is not of this model"):
        load_backbone("timm:convnext_atto", str(tmp_path / "x.pth"))
