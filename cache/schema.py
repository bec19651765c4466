"""The feature file's layout: which rows, arrays and attributes it has.

::

    /                attributes: format, format_version
    /videos/         one row per committed video: the fields of `Video`
    /rgb/            features [S, D] float16, or [S, V, D] where snippets have several views,
                     frame [S] (centre frame of each snippet),
                     start [N], count [N] (video n owns snippets start[n] : start[n] + count[n]),
                     attributes: the fields of `Provenance`
    /failures/       one row per failed video: video, stage, reason

``N`` videos, ``S`` snippets in all, ``V`` views, ``D`` feature dimensions. Another modality is
another group like ``rgb``: ``flow``, with snippets of its own. Strings are UTF-8; an unknown label
or split is the empty string.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import h5py
import numpy as np

FORMAT = "tcon-features"
FORMAT_VERSION = 2  # 2 has views, and the decoder and damage of each video
SPLITS = ("train", "val", "test", "")
IMPORTED = "imported: "  # begins the preprocessing of features that `extract` has not made
TABLES = ("videos", "failures")  # every other group is a modality


@dataclass(frozen=True)
class Video:
    """One committed video.

    Args:
        id: unique name, its path relative to the list's root, in POSIX form.
        label: class name, "" where unknown.
        split: "train", "val", "test" or "" where the input had no splits.
        path: where the video was read from.
        frames: number of frames that decode.
        fps: frames per second, 0 where unknown.
        decoder: that read it, "" where unknown.
        damage: what is broken in it, "" for a sound video.
        bounded: pairs of frames whose flow met its budget of iterations: scene cuts and the like.
    """

    id: str
    label: str
    split: str
    path: str
    frames: int
    fps: float
    decoder: str = ""
    damage: str = ""
    bounded: int = 0


@dataclass(frozen=True)
class Failure:
    """One video that could not be processed, at which stage and why."""

    video: str
    stage: str
    reason: str


@dataclass(frozen=True)
class Snippets:
    """The features of one video: ``features`` [n, D] or [n, V, D], their centre ``frame`` [n]."""

    features: np.ndarray
    frame: np.ndarray


@dataclass(frozen=True)
class Provenance:
    """How the features of one modality were made.

    The compared fields decide what the numbers mean: a file never holds features that differ in
    one of them. The others are a record.
    """

    backbone: str
    weights: str = field(compare=False)  # "imagenet", a file's name, or "random"
    weights_sha256: str  # "" for random weights
    layer: str
    dim: int
    preprocessing: str
    snippet_length: int  # frames that make one snippet
    sampling: str  # "uniform:32" or "stride:8"
    precision: str  # of the forward pass: fp32, bf16 or fp16
    views: str = "centre"  # which crops and flips of every frame; the first is the centre crop
    flow: str = ""  # method, parameters and levels; "" for RGB
    flow_engine: str = field(compare=False, default="")  # that computed it
    tool_version: str = field(compare=False, default="")
    device: str = field(compare=False, default="")
    list_sha256: str = field(compare=False, default="")

    @property
    def imported(self) -> str:
        """The kind that somebody's features were imported from; "" where `extract` made them."""
        kind = self.preprocessing.removeprefix(IMPORTED)
        return "" if kind == self.preprocessing else kind

    def differences(self, other: Provenance) -> list[str]:
        """Say which compared fields differ, e.g. ``["sampling: uniform:32 != stride:8"]``."""
        return [
            f"{f.name}: {apart(getattr(self, f.name), getattr(other, f.name))}"
            for f in fields(self)
            if f.compare and getattr(self, f.name) != getattr(other, f.name)
        ]

    def recipe(self) -> dict[str, str | int]:
        """What another video needs to get such features: the compared fields and the names of
        weights and flow engine. The list is left out: its hash depends on labels."""
        named = ("weights", "flow_engine")
        return {f.name: getattr(self, f.name) for f in fields(self) if f.compare or f.name in named}

    def to_attributes(self, group: h5py.Group) -> None:
        for f in fields(self):
            group.attrs[f.name] = getattr(self, f.name)

    @classmethod
    def from_attributes(cls, group: h5py.Group) -> Provenance:
        """Read what `to_attributes` wrote.

        Raises:
            Exception: of any kind, for damaged attributes.
        """
        values = {f.name: group.attrs[f.name] for f in fields(cls) if f.name in group.attrs}
        made = cls(**{k: v.item() if isinstance(v, np.generic) else v for k, v in values.items()})
        for f in fields(cls):
            if type(getattr(made, f.name)).__name__ != f.type:
                raise ValueError(f"its {f.name} is no {f.type}")
        return made


def apart(ours: object, theirs: object) -> str:
    """Say ``a != b``; of two lists in words, with commas, only the parts that differ."""
    a, b = str(ours).split(","), str(theirs).split(",")
    if len(a) != len(b):
        return f"{ours} != {theirs}"
    pairs = [(x.strip(), y.strip()) for x, y in zip(a, b, strict=True) if x != y]
    return ", ".join(f"{x} != {y}" for x, y in pairs)
