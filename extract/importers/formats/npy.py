"""Folders of one ``.npy`` per video, and of video_features.

::

    <video>.npy                                          [n, D] of any float type
    <video>_rgb.npy  <video>_flow.npy  <video>_fps.npy   video_features: one file per feature
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ....cache.errors import InputError
from ....cache.schema import Snippets
from .arrays import as_snippets, damaged
from .files import files_of
from .source import UNNAMED, FeatureSource

# What video_features appends to a video's name, by what it extracts.
_FEATURES = ("rgb", "flow", "clip", "r21d", "resnet", "s3d", "timm", "vggish")
_NO_FEATURES = ("_fps", "_timestamps_ms")


class Npy(FeatureSource):
    """``<video>.npy``; where most names, or several of one video, end in a feature of
    video_features, that is no part of them, and other files are ignored.

    Args:
        path: the folder.
        select: which feature of video_features to take; None for its only one, or for both rgb
            and flow.

    Raises:
        InputError: no such file, or several features to choose from.
    """

    kind = "npy"

    def __init__(self, path: Path, select: str | None = None) -> None:
        super().__init__(path)
        files = {n: f for n, f in files_of(path, ".npy").items() if not n.endswith(_NO_FEATURES)}
        featured = {n: f for n, f in files.items() if n.rpartition("_")[2] in _FEATURES}
        found = {name.rpartition("_")[2] for name in featured}
        videos = {name.rpartition("_")[0] for name in featured}
        self._videos: dict[str, dict[str, Path]] = defaultdict(dict)  # by name and modality
        if 2 * len(featured) > len(files) or len(videos) < len(featured):
            if others := sorted(files.keys() - featured.keys()):
                self.notes = (
                    f"{len(others)} files are ignored, as {others[0]}.npy: their names end in "
                    f"no feature as {next(iter(featured))}.npy does",
                )
            chosen = {select} if select else found
            if not chosen <= found or (len(chosen) > 1 and chosen != {"rgb", "flow"}):
                raise InputError(f"{path} holds {', '.join(sorted(found))}: --select one of them")
            for name, file in featured.items():
                video, _, feature = name.rpartition("_")
                if feature in chosen:
                    modality = feature if feature in ("rgb", "flow") else UNNAMED
                    self._videos[video][modality] = file
        elif select:
            raise InputError(f"{path} has one feature per video: leave out --select")
        else:
            self._videos.update({name: {UNNAMED: file} for name, file in files.items()})

    def names(self) -> Iterable[str]:
        return self._videos

    def read(self, name: str) -> Mapping[str, Snippets]:
        return {modality: _load(file) for modality, file in self._videos[name].items()}


def _load(file: Path) -> Snippets:
    with damaged(file.name):
        return as_snippets(np.load(file, allow_pickle=False))
