"""What it takes to use a backbone's weights correctly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from ...cache.common.plugins import PluginRecord
from ...cache.recipe import Preprocessing


class Texts(NamedTuple):
    """Sentences in the space of a backbone's features: ``vectors`` [n, D] float32; the logits of an
    image are ``scale`` times the cosines plus ``bias``."""

    vectors: Tensor
    scale: float
    bias: float


@dataclass(frozen=True)
class Weights:
    """Published weights of a backbone.

    Args:
        name: what they were trained on: "imagenet", "kinetics400" or "sports1m".
        source: where they come from, for people.
        sha256: of the file, or its first digits where the publisher gives only those, or "".
        licence: of the weights.
        fetch: returns the local file, downloading it if need be; raises `OSError` if it cannot.
        revision: of a hub's repository; "" for the newest.
        classes: names of what the classifier tells apart, in its order; () where they are those of
            `class_names`, or nobody knows them.
        at_hand: whether `fetch` needs no network.
    """

    name: str
    source: str
    sha256: str
    licence: str
    fetch: Callable[[], Path]
    revision: str = ""
    classes: tuple[str, ...] = ()
    at_hand: Callable[[], bool] = lambda: False


@dataclass(frozen=True, kw_only=True)
class BackboneSpec:
    """A backbone and its preprocessing.

    Args:
        name: in the registry.
        build: makes the module with random weights and without classifier; its forward maps
            images [n, 3, H, W], or clips [n, 3, L, H, W] where ``snippet_length`` L > 1, to
            [n, dim].
        read: reads the tensors of published weights, or of a checkpoint of their form, under the
            names of the module and its classifier; None for a state dict with these names.
        heads: prefixes of the classifier's keys in checkpoints; none where the classifier is not
            linear on the features.
        unused: prefixes of other keys that checkpoints may have.
        layer: what the features are, for people.
        dim: feature dimensions, D.
        weights: the published weights; None where there are none, and a file must be given.
        preprocessing: of RGB frames.
        snippet_length: frames that make one snippet.
        clip_rate: of the clips that it was trained on, frames per second; None where they were of
            consecutive frames, or nobody knows.
        first_conv: name of the first convolution, which flow replaces; "" where the backbone
            takes no flow.
        flow_mean: pixel value of zero flow in units of ``value_range``; half of it if None.
        batch_size: snippets per forward pass on a CPU, unless the user says otherwise.
        embed_texts: embeds sentences by the text tower of the published weights; None where the
            features share no space with texts.
        plugin: that registered it; None for the backbones of tcon.
    """

    name: str
    build: Callable[[], nn.Module]
    layer: str
    dim: int
    weights: Weights | None = None
    read: Callable[[Path, nn.Module], dict[str, Tensor]] | None = None
    heads: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    preprocessing: Preprocessing = Preprocessing()
    snippet_length: int = 1
    clip_rate: float | None = None
    first_conv: str = ""
    flow_mean: float | None = None
    batch_size: int = 8
    embed_texts: Callable[[Sequence[str]], Texts] | None = None
    plugin: PluginRecord | None = None
