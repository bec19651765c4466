"""A backbone that a run trained in 16 bits computes afterwards as it did in the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_backbones import tiny_backbones

from tcon.adapt.end_to_end.backbone import TrainedBackbone
from tcon.adapt.end_to_end.options import EndToEnd
from tcon.extract.backbones import load_backbone
from tcon.extract.machine.devices import Devices

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _backbones() -> Iterator[None]:
    with tiny_backbones():
        yield


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_features_are_those_of_the_run(tmp_path: Path, precision: str) -> None:
    module = load_backbone("tiny_bn", "random").module
    generator = torch.Generator().manual_seed(0)
    for norm in (module[1], module[4]):  # values that are not whole in bfloat16
        for values in (norm.running_mean, norm.running_var, norm.weight.data, norm.bias.data):
            values.uniform_(0.1, 1.0, generator=generator)
    content = {"method": {}, "normalise": {}, "backbone": module.state_dict()}
    torch.save(content, tmp_path / "checkpoint.pt")

    def loaded() -> object:
        return load_backbone("tiny_bn", str(tmp_path))

    images = torch.randint(256, (4, 3, 32, 32), generator=generator, dtype=torch.uint8)
    of_run = TrainedBackbone(loaded(), CPU, EndToEnd(precision=precision, batch_norm="frozen"))
    of_run.eval()
    with torch.inference_mode():
        expected = of_run.features(images)
    dtype = torch.float32 if precision == "fp32" else torch.bfloat16

    def after(backbone: object) -> torch.Tensor:
        with Devices({"rgb": backbone}, [CPU], dtype) as devices:
            return devices.submit("rgb", images).result().features

    torch.testing.assert_close(after(loaded()), expected, rtol=0, atol=1e-6)
    cast = after(replace(loaded(), trained=False))  # its weights rounded, as of published ones
    assert bool((cast - expected).abs().max() > 1e-4) == (precision == "bf16")
