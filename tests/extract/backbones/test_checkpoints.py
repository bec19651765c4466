"""Checkpoint files that fit or do not, and published weights from a hub."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from http.client import IncompleteRead
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from networks import random, settle
from torch import Tensor, nn
from torchvision import models

from tcon.cache import InputError
from tcon.extract.backbones import load_backbone
from tcon.extract.backbones.checkpoint import file_sha256, read_state

RESNET18 = models.ResNet18_Weights.IMAGENET1K_V1.url


# --- checkpoint files


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """Somebody's own network, with the classifier of another task."""
    torch.manual_seed(7)
    return settle(models.mobilenet_v2(weights=None, num_classes=5), random(2, 3, 64, 64) + 0.5)


def _plain(state: dict[str, Tensor]) -> object:
    return state


def _wrapped(state: dict[str, Tensor]) -> object:
    return {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}


def _of_tsn(state: dict[str, Tensor]) -> object:
    names = {k: k.replace("classifier.1.", "new_fc.") for k in state}
    inner = {k: "" if names[k].startswith("new_fc.") else "base_model." for k in state}
    return {"state_dict": {f"module.{inner[k]}{names[k]}": v for k, v in state.items()}}


def _without_head(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k: v for k, v in state.items() if not k.startswith("classifier.")}


def _without_counters(state: dict[str, Tensor]) -> object:
    return {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}


@pytest.mark.slow
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("form", [_plain, _wrapped, _of_tsn, _without_head, _without_counters])
def test_a_checkpoint_file_is_loaded(
    tmp_path: Path,
    network: nn.Module,
    form: Callable[[dict[str, Tensor]], object],
    zipped: bool,
) -> None:
    """Files of torch before 1.6 are no zip archives (C3D's is one of them)."""
    path = tmp_path / "mine.pth"
    state = form(network.state_dict())
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    backbone = load_backbone("mobilenet_v2", str(path))
    with torch.inference_mode():
        features = backbone.module(random(2, 3, 64, 64))
        expected = network.features(random(2, 3, 64, 64)).mean((2, 3))
        logits = network(random(2, 3, 64, 64))
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-6)
    assert backbone.weights == "mine.pth"
    assert backbone.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    if form is _without_head:
        assert backbone.classifier is None
    else:
        assert backbone.classifier is not None
        weight, bias = backbone.classifier
        torch.testing.assert_close(features @ weight.T + bias, logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "classifier",
    [
        nn.Sequential(nn.Dropout(), nn.Linear(1280, 64), nn.ReLU(), nn.Linear(64, 5)),
        nn.Sequential(nn.Dropout(), nn.Linear(1280, 5, bias=False)),
        nn.Sequential(nn.LayerNorm(1280)),
    ],
    ids=["two layers", "no bias", "no matrix"],
)
def test_a_classifier_that_is_not_one_linear_layer_is_left_out(
    tmp_path: Path, network: nn.Module, classifier: nn.Module
) -> None:
    state = _without_head(network.state_dict())
    state |= {f"classifier.{k}": v for k, v in classifier.state_dict().items()}
    torch.save(state, tmp_path / "mine.pth")
    assert load_backbone("mobilenet_v2", str(tmp_path / "mine.pth")).classifier is None


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
        {"method": {}, "normalise": {}, "backbone": [1]},
    ],
    ids=["list", "tensor", "empty", "none", "nested-list", "numbered", "other-wrapper", "run"],
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


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.full((2, 2), torch.nan)}, tmp_path / "x.pth")
    with pytest.raises(InputError, match=r"x\.pth is damaged: .*conv1.weight is not finite"):
        read_state(tmp_path / "x.pth")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.pth")
    with pytest.raises(InputError, match="it is not a regular file"):
        file_sha256(tmp_path / "x.pth")


def test_missing_checkpoint_or_folder(tmp_path: Path) -> None:
    assert "cannot read the weights" in _error("mobilenet_v2", tmp_path / "no.pth")
    assert "is not the folder of a finished run" in _error("mobilenet_v2", tmp_path)


# --- published weights from a hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of downloads."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints"


def test_weights_that_cannot_be_had(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, *_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    message = _error("resnet18", None)
    assert "the imagenet weights of resnet18 are unavailable" in message
    assert "no network" in message
    assert "--weights FILE" in message
    assert RESNET18 in message
    assert "--weights random" in message
    assert "efficientnet_lite0" in message


def test_a_download_that_breaks_off_cannot_be_had(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(url: str, *_: object, **__: object) -> None:
        raise IncompleteRead(b"half")

    monkeypatch.setattr(torch.hub, "download_url_to_file", break_off)
    message = _error("bninception", None)
    assert "the imagenet weights of bninception are unavailable (IncompleteRead" in message


def test_a_downloaded_file_is_not_asked_for_again(
    hub: Path, monkeypatch: pytest.MonkeyPatch, network: nn.Module
) -> None:
    """C3D's publisher gives no sha256: what is there is taken, if it fits."""
    hub.mkdir(parents=True)
    torch.save(network.state_dict(), hub / "c3d.pickle")
    monkeypatch.setattr(torch.hub, "download_url_to_file", None)
    assert str(hub / "c3d.pickle") + " does not fit c3d: " in _error("c3d", None)


def test_damaged_download_is_refused(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def download(url: str, path: str, **_: object) -> None:
        asked.append(url)
        Path(path).write_bytes(b"half")

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    message = _error("resnet18", None)
    assert asked == [RESNET18]
    assert "is damaged" in message
    assert str(hub / "resnet18-f37072fd.pth") in message
