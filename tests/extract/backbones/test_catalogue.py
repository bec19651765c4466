"""``tcon backbones`` and what it lists."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
from click.testing import CliRunner
from torchvision import models

from tcon.cli import main
from tcon.extract.backbones.catalogue import count_library_names, find, summarise
from tcon.extract.backbones.registry import names


def test_a_word_is_searched_in_all_libraries() -> None:
    found = find("swin3d")
    assert found == ["swin3d_t", *(f"torchvision:swin3d_{size}" for size in "bst")]
    assert find() == names()
    assert find("torchvision:swin3d_t") == ["torchvision:swin3d_t"]
    assert find("hf:somebody/model") == ["hf:somebody/model"]
    assert find("no such word") == []
    assert count_library_names()["timm"] == len(timm.list_pretrained())


def test_a_summary_counts_what_the_library_counts() -> None:
    one = summarise("torchvision:convnext_tiny")
    network = models.convnext_tiny()
    head = network.classifier[2]
    parameters = sum(p.numel() for p in network.parameters())
    assert one.parameters == parameters - head.weight.numel() - head.bias.numel()
    assert (one.size, one.frames, one.dim, one.weights) == (224, 1, 768, "imagenet")
    assert summarise("efficientnet_lite0").at_hand


@pytest.mark.parametrize("home", ["empty", "full"])
def test_weights_at_hand_are_those_of_torch_hub(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    if home == "full":
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "resnet18-f37072fd.pth").write_bytes(b"")
    assert summarise("resnet18").at_hand == (home == "full")


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    result = CliRunner().invoke(main, ["backbones", "bninception"])
    assert result.exit_code == 0
    assert " ".join(result.output.split()) == (
        "bninception 10.3 M parameters, 224 px, D 1024, imagenet (not stated), to download"
    )
    result = CliRunner().invoke(main, ["backbones", "mvit_v2_s"])
    assert ", 16 frames at 7.5 fps of 224 px, D 768, " in " ".join(result.output.split())
    assert "tcon backbones WORD searches" in CliRunner().invoke(main, ["backbones"]).output
    result = CliRunner().invoke(main, ["backbones", "no such word"])
    assert result.exit_code == 2
    assert "no backbone's name holds 'no such word'" in result.output
