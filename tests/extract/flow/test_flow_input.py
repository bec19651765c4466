"""Image backbones that take flow: what becomes of the first convolution, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from networks import random, settle
from torch import Tensor, nn
from torchvision import models

from tcon.cache import InputError
from tcon.extract.backbones import get_spec, load_backbone, names
from tcon.extract.snippets.transforms import normalise

IMAGES = ("bninception", "efficientnet_lite0", "resnet18", "resnet50", "resnet101", "mobilenet_v2")


@pytest.fixture
def resnet18(tmp_path: Path) -> Path:
    torch.manual_seed(8)
    torch.save(models.resnet18(weights=None).state_dict(), tmp_path / "rgb.pth")
    return tmp_path / "rgb.pth"


@pytest.fixture
def flow_network() -> nn.Module:
    """A network that was trained on flow."""
    torch.manual_seed(9)
    network = models.resnet18(weights=None, num_classes=7)
    network.conv1 = nn.Conv2d(10, 64, 7, 2, 3, bias=False)
    return settle(network, random(2, 10, 64, 64) + 0.5)


@torch.inference_mode()
def _first(name: str, modality: str, channels: int) -> tuple[Tensor, Tensor]:
    """The first convolution's output for images whose channels are all alike, and its bias."""
    module = load_backbone(name, "random", modality=modality).module
    conv = module.get_submodule(get_spec(name).first_conv)
    grey = random(1, 1, 40, 40).repeat(1, channels, 1, 1)
    bias = torch.zeros(conv.out_channels) if conv.bias is None else conv.bias
    return conv(grey), bias.view(-1, 1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_the_first_convolution_sees_grey_flow_as_it_sees_grey_images(name: str) -> None:
    """Over ten channels instead of three, so ten thirds as strong; the bias stays."""
    (rgb, bias), (flow, flow_bias) = _first(name, "rgb", 3), _first(name, "flow", 10)
    torch.testing.assert_close(flow_bias, bias)
    torch.testing.assert_close(flow - bias, (rgb - bias) * 10 / 3, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_image_backbones_take_flow(name: str) -> None:
    backbone = load_backbone(name, "random", modality="flow")
    with torch.inference_mode():
        features = backbone.module(random(2, 10, 64, 64))
    assert features.shape == (2, backbone.spec.dim)
    assert (backbone.weights, backbone.classifier) == ("random", None)


@pytest.mark.slow
def test_every_channel_of_flow_gets_the_mean_of_rgb(resnet18: Path) -> None:
    state = torch.load(resnet18, weights_only=True)
    backbone = load_backbone("resnet18", str(resnet18), modality="flow")
    loaded = backbone.module.state_dict()
    red, green, blue = state["conv1.weight"].unbind(1)
    for channel in loaded["conv1.weight"].unbind(1):
        torch.testing.assert_close(channel, (red + green + blue) / 3)
    assert loaded["conv1.weight"].shape == (64, 10, 7, 7)
    others = [key for key in loaded if key != "conv1.weight"]
    assert all(torch.equal(loaded[key], state[key]) for key in others)
    assert backbone.weights == "rgb.pth, cross-modality"
    assert backbone.classifier is None


@pytest.mark.slow
def test_a_checkpoint_of_flow_is_loaded_as_it_is(tmp_path: Path, flow_network: nn.Module) -> None:
    torch.save(flow_network.state_dict(), tmp_path / "flow.pth")
    backbone = load_backbone("resnet18", str(tmp_path / "flow.pth"), modality="flow")
    assert backbone.weights == "flow.pth"
    assert backbone.classifier is not None
    weight, bias = backbone.classifier
    with torch.inference_mode():
        logits = backbone.module(random(2, 10, 64, 64)) @ weight.T + bias
        expected = flow_network(random(2, 10, 64, 64))
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)


def _error(name: str, weights: Path | str, modality: str) -> str:
    with pytest.raises(InputError) as caught:
        load_backbone(name, str(weights), modality=modality)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.slow
def test_a_checkpoint_of_flow_does_not_fit_rgb(tmp_path: Path, flow_network: nn.Module) -> None:
    torch.save(flow_network.state_dict(), tmp_path / "flow.pth")
    message = _error("resnet18", tmp_path / "flow.pth", "rgb")
    assert "flow.pth does not fit resnet18: " in message
    assert "1 of another shape" in message
    assert "(first: conv1.weight)" in message


@pytest.mark.slow
def test_a_checkpoint_of_fewer_fields_does_not_fit_flow(
    tmp_path: Path, flow_network: nn.Module
) -> None:
    state = flow_network.state_dict()
    state["conv1.weight"] = state["conv1.weight"][:, :6]
    torch.save(state, tmp_path / "six.pth")
    assert "(first: conv1.weight)" in _error("resnet18", tmp_path / "six.pth", "flow")


@pytest.mark.slow
def test_a_checkpoint_without_the_first_convolution_does_not_fit_flow(
    tmp_path: Path, flow_network: nn.Module
) -> None:
    state = flow_network.state_dict()
    del state["conv1.weight"]
    torch.save(state, tmp_path / "x.pth")
    assert "(first: conv1.weight)" in _error("resnet18", tmp_path / "x.pth", "flow")


@pytest.mark.slow
def test_c3d_takes_clips_of_flow(tmp_path: Path) -> None:
    """Its first convolution sees two channels, each the mean of RGB's."""
    rgb = load_backbone("c3d_fc6", "random").module
    torch.save(rgb.state_dict(), tmp_path / "rgb.pth")
    backbone = load_backbone("c3d_fc6", str(tmp_path / "rgb.pth"), modality="flow")
    weight = backbone.module.get_submodule("conv1").weight
    assert weight.shape == (64, 2, 3, 3, 3)
    for channel in weight.unbind(1):
        torch.testing.assert_close(channel, rgb.get_submodule("conv1").weight.mean(1))
    with torch.inference_mode():
        assert backbone.module(random(1, 2, 16, 112, 112)).shape == (1, 4096)
    assert backbone.weights == "rgb.pth, cross-modality"
    assert backbone.spec.preprocessing.mean == (128.0,)


@pytest.mark.parametrize("name", ["r3d_18", "s3d", "mvit_v2_s"])
def test_backbones_that_take_no_flow(name: str) -> None:
    message = _error(name, "random", "flow")
    assert message.startswith(f"{name} takes RGB clips, not flow: choose one of ")
    assert message.partition("one of ")[2].split(", ") == [
        n for n in names() if get_spec(n).first_conv
    ]


def test_unknown_modality() -> None:
    assert _error("resnet18", "random", "flo") == "no modality 'flo': did you mean flow?"


@pytest.mark.parametrize(
    ("name", "mean", "std"),
    [
        ("bninception", 128.0, 1.0),  # TSN
        ("efficientnet_lite0", 127.5, 128.0),
        ("resnet18", 0.5, 0.226),  # TSN: half, and the mean of 0.229, 0.224, 0.225
    ],
)
def test_preprocessing_of_flow(name: str, mean: float, std: float) -> None:
    rgb = get_spec(name).preprocessing
    flow = load_backbone(name, "random", modality="flow").spec.preprocessing
    assert flow.mean == (mean,)
    assert flow.std == pytest.approx((std,))
    assert (flow.resize, flow.input_size, flow.antialias) == (256, 224, rgb.antialias)
    assert str(flow).startswith(f"flow 0-{rgb.value_range:g}, ")
    fields = torch.tensor([0, 128, 255] * 10, dtype=torch.uint8).view(1, 10, 1, 3)
    expected = (torch.tensor([0, 128, 255]) / 255 * rgb.value_range - mean) / std
    torch.testing.assert_close(normalise(fields, flow), expected.expand(1, 10, 1, 3))
    assert get_spec(name).preprocessing.channel_order in ("RGB", "BGR")  # the registry's own stays
