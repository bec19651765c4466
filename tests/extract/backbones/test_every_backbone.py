"""What holds of every registered backbone."""

from __future__ import annotations

import pytest
import torch

from tcon.extract.backbones import get_spec, load_backbone, names
from tcon.extract.backbones.flow_input import flow_preprocessing, widen_first_conv
from tcon.extract.backbones.trial import try_backbone

RUN = ("efficientnet_lite0", "resnet18", "mobilenet_v2")  # the others only without numbers


@pytest.mark.parametrize("name", names())
def test_its_spec_is_complete(name: str) -> None:
    spec = get_spec(name)
    assert spec.name == name
    assert spec.layer and spec.dim > 0 and spec.batch_size > 0
    assert spec.snippet_length in (1, 16, 32)
    preprocessing = spec.preprocessing
    assert len(preprocessing.mean) == len(preprocessing.std) == 3
    assert preprocessing.channel_order in ("RGB", "BGR")
    assert preprocessing.value_range in (1.0, 255.0)
    smallest = preprocessing.resize
    smallest = smallest if isinstance(smallest, int) else min(smallest)
    assert smallest >= preprocessing.input_size
    weights = spec.weights
    assert weights and weights.name and weights.source and weights.licence
    assert spec.plugin is None


@pytest.mark.parametrize("modality", ["rgb", "flow"])
@pytest.mark.parametrize("name", names())
def test_it_gives_as_many_dimensions_as_it_says(name: str, modality: str) -> None:
    """Shapes alone: on the device ``meta`` nothing is computed."""
    spec = get_spec(name)
    if modality == "flow" and not spec.first_conv:
        pytest.skip(f"{name} takes no flow")
    size = spec.preprocessing.input_size
    length = () if spec.snippet_length == 1 else (spec.snippet_length,)
    with torch.device("meta"):
        module = spec.build().eval()
        channels = 3
        if modality == "flow":
            widen_first_conv(module, spec.first_conv)
            channels = 2 if length else 10
            assert len(flow_preprocessing(spec).mean) == 1
        features = module(torch.zeros(2, channels, *length, size, size))
    assert features.shape == (2, spec.dim)


@pytest.mark.parametrize("name", RUN)
def test_it_passes_its_trial(name: str) -> None:
    size = get_spec(name).preprocessing.input_size
    for modality, channels in (("rgb", 3), ("flow", 10)):
        try_backbone(load_backbone(name, "random", modality=modality), (channels, size, size))
