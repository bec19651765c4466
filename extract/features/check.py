"""What a backbone's own classifier sees: shows whether videos are fed to it correctly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ...cache.errors import InputError
from ..backbones import LoadedBackbone, get_spec, names
from ..backbones.classes import class_names
from ..decoding import DecodeError, is_there
from ..decoding.pool import DecodePool
from ..decoding.server import decoding_soon
from ..lists.videos import VideoItem
from ..machine.devices import Devices
from ..machine.machine import Machine
from ..snippets.passing import Chunk
from ..snippets.reading import Reading
from .options import ExtractOptions
from .plan import Plan


@torch.inference_mode()
def check(snippets: Tensor, backbone: LoadedBackbone, *, top: int = 5) -> list[tuple[str, float]]:
    """The classes that the backbone's own classifier finds most probable for a video.

    Args:
        snippets: of one video, resized and cropped: images [n, 3, H, W], clips [n, 3, L, H, W] or
            flow [n, 10, H, W], uint8.
        backbone: with its published weights, or a checkpoint that holds a classifier.
        top: how many classes.

    Returns:
        (class, probability) from the most probable on; probabilities are the mean over the
        snippets. Classes without a packaged name are called "class 17".

    Raises:
        InputError: the backbone has no classifier on its features.
    """
    weight, bias = _classifier(backbone)
    batches = snippets.split(backbone.spec.batch_size)
    # Fed by what feeds it in an extraction: that is what is to be checked.
    with Devices({"rgb": backbone}, [torch.device("cpu")], torch.float32) as devices:
        # [n, D]
        features = torch.cat([devices.submit("rgb", b).result().features for b in batches])
    logits = features @ weight.T + bias  # [n, C]
    probabilities = logits.softmax(1).mean(0)  # [C]
    best = probabilities.topk(min(top, len(bias)))
    named = _names(backbone)
    return [
        (named[index] if named else f"class {index}", probability)
        for probability, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


def _names(backbone: LoadedBackbone) -> list[str]:
    """Of the published weights alone: nobody knows another checkpoint's classes."""
    published = backbone.spec.weights
    if published is None or not backbone.sha256.startswith(published.sha256):
        return []
    return class_names(published.name)


def _classifier(backbone: LoadedBackbone) -> tuple[Tensor, Tensor]:
    spec = backbone.spec
    if backbone.weights == "random":
        raise InputError(f"random weights of {spec.name} recognise nothing: leave out --weights")
    if not spec.heads:
        others = [n for n in names() if get_spec(n).heads and get_spec(n).weights == spec.weights]
        raise InputError(
            f"the classifier does not take the features of {spec.name}: check with {others[0]}, "
            "which has the same weights"
        )
    if backbone.classifier is None:
        raise InputError(
            f"the weights {backbone.weights} hold no classifier on the features of {spec.name}: "
            "check RGB frames with the published weights (leave out --weights)"
        )
    return backbone.classifier


def check_video(
    path: Path, options: ExtractOptions, machine: Machine | None = None
) -> list[tuple[str, float]]:
    """`check` of a video, sampled and fed as `extract` does.

    Raises:
        InputError: no such video, one that does not decode, or a backbone without a classifier.
    """
    if not is_there(path):
        raise InputError(f"no such video: {path} (--check takes one video)")
    machine = machine or Machine()
    with decoding_soon(Reading, workers=1):  # its process starts while the backbone is loaded
        plan = Plan.make(replace(options, modalities=("rgb",)), machine)
        backbone = plan.backbones["rgb"]
        _classifier(backbone)  # before anything is decoded
        item = VideoItem(path.name, path, "", "")
        chunks = []
        with DecodePool(plan.reading, workers=1, time_limit=machine.time_limit) as pool:
            for _, answer in filter(None, pool.stream([item])):
                if isinstance(answer, DecodeError):
                    raise InputError(f"{path}: {answer}")
                if isinstance(answer, Chunk):
                    chunks.append(answer.snippets)
    snippets = torch.cat(chunks)  # [n, V, 3, S, S]
    return check(snippets[:, 0], backbone)  # the centre view
