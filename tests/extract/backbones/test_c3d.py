"""C3D against its layers written out one by one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from tcon.extract.backbones import get_spec, load_backbone

# The public port's names, in the order of its forward.
CONVS = ("conv1", "conv2", "conv3a", "conv3b", "conv4a", "conv4b", "conv5a", "conv5b")
NAMES = (*CONVS, "fc6", "fc7", "fc8")


def _conv(inputs: int, outputs: int) -> nn.Conv3d:
    return nn.Conv3d(inputs, outputs, kernel_size=(3, 3, 3), padding=(1, 1, 1))


@pytest.fixture(scope="module")
def reference() -> nn.Sequential:
    torch.manual_seed(6)
    network = nn.Sequential(
        *(_conv(3, 64), nn.ReLU()),
        nn.MaxPool3d(kernel_size=(1, 2, 2), stride=(1, 2, 2)),
        *(_conv(64, 128), nn.ReLU()),
        nn.MaxPool3d(kernel_size=(2, 2, 2), stride=(2, 2, 2)),
        *(_conv(128, 256), nn.ReLU(), _conv(256, 256), nn.ReLU()),
        nn.MaxPool3d(kernel_size=(2, 2, 2), stride=(2, 2, 2)),
        *(_conv(256, 512), nn.ReLU(), _conv(512, 512), nn.ReLU()),
        nn.MaxPool3d(kernel_size=(2, 2, 2), stride=(2, 2, 2)),
        *(_conv(512, 512), nn.ReLU(), _conv(512, 512), nn.ReLU()),
        nn.MaxPool3d(kernel_size=(2, 2, 2), stride=(2, 2, 2), padding=(0, 1, 1)),
        nn.Flatten(),
        *(nn.Linear(8192, 4096), nn.ReLU()),
        *(nn.Linear(4096, 4096), nn.ReLU()),
        nn.Linear(4096, 487),
    )
    for module in network:  # keep the scale of the activations: the default's shrink
        if isinstance(module, nn.Conv3d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
    return network


@pytest.fixture(scope="module")
def checkpoint(reference: nn.Sequential, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    layers = [module for module in reference if isinstance(module, nn.Conv3d | nn.Linear)]
    state = nn.ModuleDict(zip(NAMES, layers, strict=True)).state_dict()
    path = tmp_path_factory.mktemp("c3d") / "c3d.pickle"
    torch.save(state, path)
    yield str(path)
    path.unlink()  # 300 MB


@pytest.fixture(scope="module")
@torch.inference_mode()
def expected(reference: nn.Sequential) -> tuple[Tensor, Tensor, Tensor]:
    """fc6 and fc7 after ReLU, logits."""
    fc6 = reference[:-3](_clip())
    fc7 = reference[-3:-1](fc6)
    return fc6, fc7, reference[-1](fc7)


def _clip() -> Tensor:
    return torch.randn(1, 3, 16, 112, 112, generator=torch.Generator().manual_seed(0))


@pytest.mark.slow
def test_c3d_is_the_network_up_to_fc7(
    checkpoint: str, expected: tuple[Tensor, Tensor, Tensor]
) -> None:
    backbone = load_backbone("c3d", checkpoint)
    with torch.inference_mode():
        features = backbone.module(_clip())
    assert features.shape == (1, backbone.spec.dim) == (1, 4096)
    assert features.std() > 0.01
    torch.testing.assert_close(features, expected[1], rtol=1e-4, atol=1e-4)
    assert backbone.classifier is not None
    weight, bias = backbone.classifier
    assert weight.shape == (487, 4096)  # classes of Sports-1M
    torch.testing.assert_close(features @ weight.T + bias, expected[2], rtol=1e-4, atol=1e-4)
    keys = {f"{name}.{part}" for name in NAMES[:-1] for part in ("weight", "bias")}
    assert set(backbone.module.state_dict()) == keys


@pytest.mark.slow
def test_c3d_fc6_is_the_network_up_to_fc6(
    checkpoint: str, expected: tuple[Tensor, Tensor, Tensor]
) -> None:
    """The same file; fc8 would take its 4096 features, but never saw them."""
    backbone = load_backbone("c3d_fc6", checkpoint)
    with torch.inference_mode():
        features = backbone.module(_clip())
    assert features.shape == (1, backbone.spec.dim) == (1, 4096)
    torch.testing.assert_close(features, expected[0], rtol=1e-4, atol=1e-4)
    assert not any(key.startswith("fc7") for key in backbone.module.state_dict())
    assert backbone.classifier is None


def test_preprocessing_is_that_of_caffe() -> None:
    for name in ("c3d", "c3d_fc6"):
        spec = get_spec(name)
        assert str(spec.preprocessing) == (
            "BGR 0-255, 128x171 (bilinear), centre 112x112, mean (90.0, 98.0, 102.0), "
            "std (1.0, 1.0, 1.0)"
        )
        assert spec.weights.sha256 == ""  # the publisher gives none
