"""``tcon backbones`` and what it lists."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
from click.testing import CliRunner
from torchvision import models

from tcon.cache import InputError
from tcon.cli import main
from tcon.extract.backbones.catalogue import count_library_names, find, summarise
from tcon.extract.backbones.registry import get_spec, names


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
    assert (one.preprocessing.input_size, one.frames, one.dim, one.weights) == (
        224,
        1,
        768,
        "imagenet",
    )
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
        "bninception 10.3 M parameters, 224 px, D 1024, imagenet (not stated), to download "
        "features global average pool frames BGR 0-255, short side 256 (bilinear, antialiased), "
        "centre 224x224, mean (104.0, 117.0, 128.0), std (1.0, 1.0, 1.0) "
        "weights http://data.lip6.fr/cadene/pretrainedmodels/bn_inception-52deb4733.pth"
    )
    result = CliRunner().invoke(main, ["backbones", "mvit_v2_s"])
    assert ", 16 frames at 7.5 fps of 224 px, D 768, " in " ".join(result.output.split())
    assert "tcon backbones WORD searches" in CliRunner().invoke(main, ["backbones"]).output
    result = CliRunner().invoke(main, ["backbones", "no such word"])
    assert result.exit_code == 2
    assert "no backbone's name holds 'no such word'" in result.output


def test_many_are_a_line_each_and_counted_beyond_thirty() -> None:
    lines = CliRunner().invoke(main, ["backbones", "test_"]).output.splitlines()
    assert [line.split()[0] for line in lines] == find("test_")  # too few to cut off
    lines = CliRunner().invoke(main, ["backbones", "timm:test_vit"]).output.splitlines()
    assert len(lines) == 3


@pytest.mark.parametrize("name", ["dinov2", "facebook/dinov2-base"])
def test_a_model_without_its_library_is_told_how_to_name_it(name: str) -> None:
    with pytest.raises(InputError, match="hf:MODEL: search them by tcon backbones dinov2"):
        get_spec(name)
    with pytest.raises(InputError, match=r"did you mean resnet50\? Models of libraries are named"):
        get_spec("resnet5")
