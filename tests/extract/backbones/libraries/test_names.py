"""LIBRARY:MODEL names."""

from __future__ import annotations

import re

import pytest

from tcon.cache import InputError
from tcon.extract.backbones import get_spec
from tcon.extract.backbones.libraries.name import ModelName


def test_options_stand_behind_the_model() -> None:
    text = "timm:vit_small_patch14_dinov2.lvd142m,size=224,pool=mean,revision=abc"
    asked = ModelName.parse(text)
    assert asked.text == text
    assert (asked.library, asked.model) == ("timm", "vit_small_patch14_dinov2.lvd142m")
    assert (asked.size, asked.pool, asked.revision) == (224, "mean", "abc")
    assert ModelName.parse("hf:./a, b/model").model == "./a, b/model"
    assert ModelName.parse("hf:C:/models/mine").model == "C:/models/mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tim:resnet18", "no library of backbones 'tim': did you mean timm?"),
        ("timm:", "name a model behind timm:"),
        ("timm:resnet18,size=big", "size is the side of the input in pixels, 1 to 9999"),
        ("timm:resnet18,size=99999", "size is the side of the input in pixels, 1 to 9999"),
        ("timm:resnet18,size=64,size=65", "size is given twice"),
        ("timm:resnet18,pool=max", "pool is one of token, mean, projected"),
        ("timm:resnet18,frames=0", "frames is the length of a clip, 1 to 9999"),
        ("timm:resnet18,frames=4", "timm's models take images"),
        ("torchvision:resnet", "no torchvision model 'resnet': did you mean resnet"),
        ("torchvision:?", "tcon backbones WORD searches its models"),
        ("torchvision:resnet50.V3", "it has IMAGENET1K_V1, IMAGENET1K_V2"),
        ("torchvision:resnet50.IMAGENET", "it has IMAGENET1K_V1, IMAGENET1K_V2"),
        ("torchvision:resnet18,pool=mean", "torchvision's models pool in one way"),
        ("torchvision:squeezenet1_0", "ends in no linear classifier"),
        ("torchvision:vit_b_16,size=200", "cannot be built (AssertionError: Input shape"),
    ],
)
def test_a_wrong_name_is_refused_in_one_line(name: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        get_spec(name)
    assert "\n" not in str(caught.value)
