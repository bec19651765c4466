"""C3D with its Sports-1M weights, cut off after fc7 or fc6."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

from torch import nn

from ...cache.recipe import Preprocessing
from .download import weights_at
from .registry import add
from .spec import BackboneSpec

# Convolutions (name, output channels), each group followed by a max pool.
_GROUPS = (
    (("conv1", 64),),
    (("conv2", 128),),
    (("conv3a", 256), ("conv3b", 256)),
    (("conv4a", 512), ("conv4b", 512)),
    (("conv5a", 512), ("conv5b", 512)),
)


def build_c3d(*, last: str) -> nn.Sequential:
    """C3D up to the ReLU after ``last``, "fc6" or "fc7".

    Maps clips [n, 3, 16, 112, 112] to [n, 4096].
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for n, group in enumerate(_GROUPS, 1):
        for name, outputs in group:
            layers[name] = nn.Conv3d(channels, outputs, 3, padding=1)
            layers[f"relu_{name}"] = nn.ReLU()
            channels = outputs
        # The first pool keeps all 16 frames; the last pads 7x7 maps to get 4x4 ones.
        size = (1, 2, 2) if n == 1 else 2
        layers[f"pool{n}"] = nn.MaxPool3d(size, padding=(0, 1, 1) if n == 5 else 0)
    layers["flatten"] = nn.Flatten()  # [n, 512, 1, 4, 4] to [n, 8192]
    layers["fc6"], layers["relu_fc6"] = nn.Linear(8192, 4096), nn.ReLU()
    if last == "fc7":
        layers["fc7"], layers["relu_fc7"] = nn.Linear(4096, 4096), nn.ReLU()
    return nn.Sequential(layers)


_WEIGHTS = weights_at(
    "http://imagelab.ing.unimore.it/files/c3d_pytorch/c3d.pickle",
    name="sports1m",
    licence="not stated",
)
# The Caffe original's; instead of its mean image, that image's mean per channel.
_PREPROCESSING = Preprocessing(
    resize=(128, 171),
    input_size=112,
    antialias=False,
    mean=(90.0, 98.0, 102.0),
    std=(1.0, 1.0, 1.0),
    channel_order="BGR",
    value_range=255.0,
)


def _register(name: str, *, last: str, heads: tuple[str, ...], unused: tuple[str, ...]) -> None:
    add(
        BackboneSpec(
            name=name,
            build=partial(build_c3d, last=last),
            heads=heads,
            unused=unused,
            layer=f"{last} after ReLU",
            dim=4096,
            weights=_WEIGHTS,
            preprocessing=_PREPROCESSING,
            snippet_length=16,
            first_conv="conv1",
            flow_mean=128.0,
            batch_size=2,
        )
    )


_register("c3d", last="fc7", heads=("fc8.",), unused=())
_register("c3d_fc6", last="fc6", heads=(), unused=("fc7.", "fc8."))
