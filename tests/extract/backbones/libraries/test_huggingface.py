"""Models of transformers against their own processors and forward passes.

All are tiny, random and saved to a folder, as no hub is needed for ``hf:./folder``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from model_pictures import features_of_picture, picture, pixels
from torch import Tensor
from torchvision.transforms.functional import center_crop

from tcon.cache import InputError
from tcon.extract.backbones import load_backbone
from tcon.extract.backbones.libraries.hf_preprocessing import preprocessing_of
from tcon.extract.snippets.transforms import normalise, resize

pytestmark = pytest.mark.slow
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
T: Any = transformers


def vit() -> tuple[Any, Any]:
    config = T.ViTConfig(**SIZES, image_size=64, num_labels=5)
    return T.ViTForImageClassification(config), T.ViTImageProcessor(
        size={"height": 64, "width": 64}
    )


def dino() -> tuple[Any, Any]:
    config = T.Dinov2WithRegistersConfig(**SIZES, image_size=56, patch_size=14)
    cropped = {"height": 56, "width": 56}
    processor = T.BitImageProcessor(size={"shortest_edge": 64}, crop_size=cropped, resample=3)
    return T.Dinov2WithRegistersModel(config), processor


def clip() -> tuple[Any, Any]:
    text = {**SIZES, "vocab_size": 100, "bos_token_id": 1, "eos_token_id": 2}
    vision = {**SIZES, "image_size": 64, "patch_size": 32}
    config = T.CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    cropped = {"height": 64, "width": 64}
    return T.CLIPModel(config), T.CLIPImageProcessor(size={"shortest_edge": 64}, crop_size=cropped)


def siglip() -> tuple[Any, Any]:
    text = {**SIZES, "vocab_size": 100, "bos_token_id": 1, "eos_token_id": 2}
    config = T.SiglipConfig(text_config=text, vision_config={**SIZES, "image_size": 64})
    return T.SiglipModel(config), T.SiglipImageProcessor(size={"height": 64, "width": 64})


def convnext() -> tuple[Any, Any]:
    config = T.ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1])
    processor = T.ConvNextImageProcessor(size={"shortest_edge": 64})
    return T.ConvNextForImageClassification(config), processor


def videomae(network: str) -> tuple[Any, Any]:
    config = T.VideoMAEConfig(**SIZES, num_frames=4, image_size=64)
    cropped = {"height": 64, "width": 64}
    processor = T.VideoMAEVideoProcessor(size={"shortest_edge": 64}, crop_size=cropped)
    return getattr(T, network)(config), processor


def vjepa2(network: str) -> tuple[Any, Any]:
    small = {"pred_hidden_size": 32, "pred_num_hidden_layers": 1, "pred_num_attention_heads": 2}
    config = T.VJEPA2Config(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        crop_size=64,
        frames_per_clip=4,
        **small,
    )
    cropped = {"height": 64, "width": 64}
    processor = T.VJEPA2VideoProcessor(size={"shortest_edge": 73}, crop_size=cropped)
    return getattr(T, network)(config), processor


def clip_vision() -> tuple[Any, Any]:
    config = T.CLIPVisionConfig(**SIZES, image_size=64, patch_size=32)
    return T.CLIPVisionModel(config), clip()[1]


def deit() -> tuple[Any, Any]:
    return T.DeiTModel(T.DeiTConfig(**SIZES, image_size=64)), vit()[1]


def mae() -> tuple[Any, Any]:
    config = T.ViTMAEConfig(**SIZES, image_size=64)
    return T.ViTMAEModel(config), vit()[1]


def _unmasked(network: Any, given: dict[str, Tensor]) -> Tensor:
    """Of a masked autoencoder that hides nothing."""
    network.config.mask_ratio = 0.0
    return _tokens(network, given)


def _tokens(network: Any, given: dict[str, Tensor]) -> Tensor:
    return network(**given).last_hidden_state  # [1, T, D]


def _mean(network: Any, given: dict[str, Tensor]) -> Tensor:
    return _tokens(network, given).mean(1)


# A model, options behind its name, and what transformers itself makes of the processor's pixels.
CASES: dict[str, tuple[Callable[[], tuple[Any, Any]], str, Callable[[Any, Any], Tensor]]] = {
    "vit": (vit, "", lambda m, given: _tokens(m.vit, given)[:, 0]),
    "vit mean": (
        vit,
        ",pool=mean",
        lambda m, given: m.vit(**given).last_hidden_state[:, 1:].mean(1),
    ),
    "dino": (dino, "", lambda m, given: m(**given).pooler_output),
    "dino mean": (dino, ",pool=mean", lambda m, given: _tokens(m, given)[:, 5:].mean(1)),
    "clip": (clip, "", lambda m, given: m.get_image_features(**given).pooler_output),
    "clip token": (clip, ",pool=token", lambda m, given: m.vision_model(**given).pooler_output),
    "clip vision": (clip_vision, "", lambda m, given: m(**given).pooler_output),
    "clip vision mean": (
        clip_vision,
        ",pool=mean",
        lambda m, given: _tokens(m, given)[:, 1:].mean(1),
    ),
    "deit mean": (deit, ",pool=mean", lambda m, given: _tokens(m, given)[:, 2:].mean(1)),
    "mae": (mae, "", lambda m, given: _unmasked(m, given)[:, 0]),
    "mae mean": (mae, ",pool=mean", lambda m, given: _unmasked(m, given)[:, 1:].mean(1)),
    "siglip": (siglip, "", lambda m, given: m.get_image_features(**given).pooler_output),
    "convnext": (convnext, "", lambda m, given: m.convnext(**given).pooler_output),
    "videomae": (lambda: videomae("VideoMAEModel"), "", _mean),
    "videomae classes": (
        lambda: videomae("VideoMAEForVideoClassification"),
        "",
        lambda m, given: m.fc_norm(_mean(m.videomae, given)),
    ),
    "vjepa2": (
        lambda: vjepa2("VJEPA2Model"),
        "",
        lambda m, given: _mean(m, {**given, "skip_predictor": True}),
    ),
    "vjepa2 classes": (
        lambda: vjepa2("VJEPA2ForVideoClassification"),
        "",
        lambda m, given: m.pooler(m.vjepa2(**given, skip_predictor=True).last_hidden_state),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_features_are_those_of_transformers(tmp_path: Path, case: str) -> None:
    make, options, pooled = CASES[case]
    torch.manual_seed(0)
    network, processor = make()
    network.eval().save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    backbone = load_backbone(f"hf:{tmp_path}{options}")
    if backbone.spec.snippet_length > 1:
        assert backbone.spec.snippet_length == 4
        assert backbone.spec.clip_rate == (4.0 if "vjepa2" in case else 7.5)
        given = processor([[np.array(picture())] * 4], return_tensors="pt")
    else:
        given = processor(picture(), return_tensors="pt")
    with torch.inference_mode():
        expected = pooled(network, dict(given))
    features = features_of_picture(backbone)
    assert features.shape == (1, backbone.spec.dim)
    assert features.std() > 0.01
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)
    if case in ("vit", "convnext", "videomae classes", "vjepa2 classes"):
        assert backbone.classifier is not None
        weight, bias = backbone.classifier
        with torch.inference_mode():
            logits = network(**given).logits
        torch.testing.assert_close(features @ weight.T + bias, logits, rtol=1e-4, atol=1e-5)


def saved(folder: Path) -> Path:
    network, processor = vit()
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def test_a_folder_that_lacks_something_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = saved(tmp_path / "vit")
    name = f"hf:{folder}"
    (folder / "preprocessor_config.json").rename(tmp_path / "kept.json")
    with pytest.raises(InputError, match="AutoImageProcessor cannot be read from") as caught:
        load_backbone(name)
    assert str(caught.value).endswith("save it there with its save_pretrained")
    settings = json.loads((tmp_path / "kept.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, "resample": 1}))
    with pytest.raises(InputError, match="Pillow's filter 1"):
        load_backbone(name)
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot read the weights") as caught:
        load_backbone(name)
    assert "\n" not in str(caught.value)
    weights.write_bytes(whole)
    config = folder / "config.json"
    settings = json.loads(config.read_text())
    config.write_text(json.dumps({**settings, "intermediate_size": 99}))
    with pytest.raises(InputError, match=r"does not fit its configuration: .*\[99\]"):
        load_backbone(f"{name}/")  # the configuration of the other spelling is kept
    config.write_text(json.dumps(settings))
    with pytest.raises(InputError, match="this model's pool is token or mean"):
        load_backbone(f"{name},pool=projected")
    assert load_backbone(name).spec.weights is not None


def test_what_is_no_repository_is_a_folder_that_is_not_there() -> None:
    with pytest.raises(InputError, match="there is no folder ./mine"):
        load_backbone("hf:./mine")


PROCESSORS: dict[str, Any] = {
    "BGR": T.MobileViTImageProcessor(size={"shortest_edge": 80}, crop_size=64),
    "one mean": T.ViTImageProcessor(image_mean=0.5, image_std=0.25),
}
STRANGE: dict[str, tuple[Any, str]] = {
    "normalised twice": (T.EfficientNetImageProcessor(), "pixels are .* levels apart"),
    "padded": (
        T.CLIPImageProcessor(size={"shortest_edge": 48}, crop_size=64),
        "pixels are .* levels apart",
    ),
    "no mean": (T.ViTImageProcessor(image_mean=None), "TypeError"),
}


@pytest.mark.parametrize("case", PROCESSORS)
def test_frames_are_prepared_as_a_processor_does(case: str) -> None:
    processor = PROCESSORS[case]
    made = preprocessing_of(processor, size=None, name="hf:mine")
    frame = resize(pixels(), made)
    ours = normalise(center_crop(frame, [made.input_size]), made)
    theirs = processor(picture(), return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0.02)  # a level is 0.004 to 0.016


@pytest.mark.parametrize("case", STRANGE)
def test_a_processor_that_does_something_else_is_refused(case: str) -> None:
    processor, message = STRANGE[case]
    with pytest.raises(InputError, match=message) as caught:
        preprocessing_of(processor, size=None, name="hf:mine")
    assert "\n" not in str(caught.value)


def test_the_licence_is_that_of_the_models_card(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n# Mine\n")
    weights = load_backbone(f"hf:{folder}").spec.weights
    assert weights is not None and weights.licence == "cc-by-nc-4.0"


def test_random_weights_and_another_size(tmp_path: Path) -> None:
    name = f"hf:{saved(tmp_path)}"
    backbone = load_backbone(f"{name},size=96", "random")
    assert backbone.spec.preprocessing.input_size == 96
    assert backbone.module(torch.zeros(2, 3, 96, 96)).shape == (2, 32)


def test_clips_of_another_length(tmp_path: Path) -> None:
    """V-JEPA 2 knows places by rotation: it takes clips of any length, as transformers does."""
    torch.manual_seed(0)
    network, processor = vjepa2("VJEPA2Model")
    network.eval().save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    backbone = load_backbone(f"hf:{tmp_path},frames=2")
    assert backbone.spec.snippet_length == 2
    given = processor([[np.array(picture())] * 2], return_tensors="pt")
    with torch.inference_mode():
        expected = _mean(network, {**given, "skip_predictor": True})
    torch.testing.assert_close(features_of_picture(backbone), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="takes images: leave out frames="):
        load_backbone(f"hf:{saved(tmp_path / 'vit')},frames=2")


def test_another_configuration_of_the_same_weights_is_another_model(tmp_path: Path) -> None:
    folders = [saved(tmp_path / name / "vit") for name in ("a", "b")]
    for name in ("config.json", "model.safetensors"):
        (folders[1] / name).write_bytes((folders[0] / name).read_bytes())
    first, copied = (load_backbone(f"hf:{folder}").sha256 for folder in folders)
    assert first == copied
    config = json.loads((folders[1] / "config.json").read_text())
    config["num_attention_heads"] = 4  # of weights of the same shapes
    (folders[1] / "config.json").write_text(json.dumps(config))
    assert load_backbone(f"hf:{folders[1]},size=64").sha256 != first
