"""The backbones that there are, by name: tcon's own, plug-ins', timm's and torchvision's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from ...cache.recipe import Preprocessing
from .libraries.modules import on_meta
from .libraries.name import is_library_name
from .libraries.torchvision import model_names
from .registry import get_spec, names

LIBRARIES_OF_NAMES = ("timm", "torchvision")  # a hub's models cannot be listed without it


@dataclass(frozen=True)
class BackboneSummary:
    """A backbone at a glance.

    Args:
        name: for ``--backbone``.
        parameters: of the network without its classifier.
        frames: of a snippet.
        clip_rate: of these, per second; None for consecutive ones.
        dim: feature dimensions, D.
        layer: what the features are, for people.
        preprocessing: of frames.
        weights: what they were trained on, or their name; "" where there are none.
        licence: of the weights.
        source: where they come from.
        at_hand: whether the weights are on this machine.
    """

    name: str
    parameters: int
    frames: int
    clip_rate: float | None
    dim: int
    layer: str
    preprocessing: Preprocessing
    weights: str
    licence: str
    source: str
    at_hand: bool


def find(word: str = "") -> list[str]:
    """The names that hold a word: of tcon and its plug-ins, and, if a word is given, of libraries.

    Args:
        word: any part of a name; a full LIBRARY:MODEL is found as it is.
    """
    own = [name for name in names() if word in name]
    if not word:
        return own
    if is_library_name(word):
        return [name for name in _library_names() if word in name] or [word]
    return own + [name for name in _library_names() if word in name]


def count_library_names() -> dict[str, int]:
    """How many names each installed library has."""
    listed = [name.partition(":")[0] for name in _library_names()]
    return {library: listed.count(library) for library in LIBRARIES_OF_NAMES if library in listed}


def summarise(name: str) -> BackboneSummary:
    """Look at a backbone without loading weights.

    Raises:
        InputError: no such backbone, or its configuration cannot be had.
    """
    spec = get_spec(name)
    parameters = sum(p.numel() for p in on_meta(spec.build, name=name).parameters())
    weights = spec.weights
    return BackboneSummary(
        name=name,
        parameters=parameters,
        frames=spec.snippet_length,
        clip_rate=spec.clip_rate,
        dim=spec.dim,
        layer=spec.layer,
        preprocessing=spec.preprocessing,
        weights=weights.name if weights else "",
        licence=weights.licence if weights else "",
        source=weights.source if weights else "",
        at_hand=weights is not None and weights.at_hand(),
    )


def _library_names() -> Iterator[str]:
    if find_spec("timm"):
        import timm

        yield from (f"timm:{name}" for name in timm.list_pretrained())
    yield from (f"torchvision:{name}" for name in model_names())
