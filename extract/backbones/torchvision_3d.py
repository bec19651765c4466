"""torchvision's clip networks with their classifier cut off."""

from __future__ import annotations

from torch import nn
from torchvision import models
from torchvision.models import video

from ...cache.recipe import Preprocessing
from .download import weights_at
from .registry import add
from .spec import BackboneSpec

# The clips that these networks were trained on were scaled without antialiasing.
_RESNET = Preprocessing(
    resize=(128, 171),
    input_size=112,
    antialias=False,
    mean=(0.43216, 0.394666, 0.37645),
    std=(0.22803, 0.22145, 0.216989),
)
_S3D = Preprocessing(resize=(256, 256), antialias=False, mean=_RESNET.mean, std=_RESNET.std)
_MVIT = Preprocessing(antialias=False, mean=(0.45, 0.45, 0.45), std=(0.225, 0.225, 0.225))
_SWIN = Preprocessing(antialias=False)


def _register(
    name: str,
    weights: models.WeightsEnum,
    preprocessing: Preprocessing,
    *,
    head: str,
    dim: int,
    batch_size: int,
    snippet_length: int = 16,
    clip_rate: float = 15.0,
    layer: str = "global average pool",
) -> None:
    def build() -> nn.Module:
        network = models.get_model(name, weights=None)
        setattr(network, head, nn.Identity())
        if name == "s3d":  # its pool fails in bf16 on CPUs; the mean that follows does the same
            network.avgpool = nn.Identity()
        return network

    add(
        BackboneSpec(
            name=name,
            build=build,
            heads=(f"{head}.",),
            layer=layer,
            dim=dim,
            weights=weights_at(weights.url, name="kinetics400", licence="BSD-3-Clause"),
            preprocessing=preprocessing,
            snippet_length=snippet_length,
            clip_rate=clip_rate,
            batch_size=batch_size,
        )
    )


for _name, _weights in {
    "r3d_18": video.R3D_18_Weights.KINETICS400_V1,
    "mc3_18": video.MC3_18_Weights.KINETICS400_V1,
    "r2plus1d_18": video.R2Plus1D_18_Weights.KINETICS400_V1,
}.items():
    _register(_name, _weights, _RESNET, head="fc", dim=512, batch_size=4)
# S3D takes clips of any length. torchvision trained it on 64 frames and evaluates it on 128, which
# would leave a single snippet of most videos.
_register("s3d", video.S3D_Weights.KINETICS400_V1, _S3D, head="classifier", dim=1024, batch_size=2)
_register(
    "mvit_v2_s",
    video.MViT_V2_S_Weights.KINETICS400_V1,
    _MVIT,
    head="head",
    dim=768,
    batch_size=1,
    clip_rate=7.5,
    layer="class token after the last norm",
)
_register(
    "swin3d_t",
    video.Swin3D_T_Weights.KINETICS400_V1,
    _SWIN,
    head="head",
    dim=768,
    batch_size=1,
    snippet_length=32,
    layer="global average pool after the last norm",
)
