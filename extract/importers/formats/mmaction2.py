"""Folders of one pickle per video, as MMAction2's feature extraction writes them.

::

    <video>.pkl           an array [n, D] (tsn_feature_extraction), or a tensor [D] or [n, D]
    <class>/<video>.avi.pkl    (clip_feature_extraction); or a list of arrays [D]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ....cache.errors import InputError
from ....cache.schema import Snippets
from ...pickles import Array, check_size, read_pickle, require_trust
from .arrays import as_snippets, damaged
from .files import files_of
from .source import UNNAMED, FeatureSource

_TOTAL = "total_feats.pkl"  # of all videos, left behind where they were split


class MMAction2(FeatureSource):
    """``<video>.pkl``; a video's name is its path without ``.pkl``. ``total_feats.pkl`` is none.

    Args:
        path: the folder.
        trust_pickle: that the user vouches for its files.

    Raises:
        InputError: no trust, or no such file.
    """

    kind = "mmaction2"

    def __init__(self, path: Path, *, trust_pickle: bool = False) -> None:
        super().__init__(path)
        require_trust(path, trust=trust_pickle)
        files = files_of(path, ".pkl")
        self._files = {name: file for name, file in files.items() if file.name != _TOTAL}
        if not self._files:
            raise InputError(
                f"{path} holds {_TOTAL} alone, all features without the videos' names: give the "
                "folder of the files that it was split into"
            )

    def names(self) -> Iterable[str]:
        return self._files

    def read(self, name: str) -> Mapping[str, Snippets]:
        content = read_pickle(self._files[name], trust=True)
        with damaged(self._files[name].name):
            given = content if isinstance(content, list) else [content]
            rows = [row for row in given if isinstance(row, Array)]
            if not rows or len(rows) < len(given):
                raise InputError(
                    f"holds a {type(content).__name__}, not an array or a list of them"
                )
            if len({row.shape for row in rows}) > 1:
                raise InputError("holds arrays of differing shape")
            check_size(self._files[name], rows)
            arrays = [row.numpy() for row in rows]
            features = arrays[0] if given is not content else np.stack(arrays)  # [n, D] or [D]
            return {UNNAMED: as_snippets(features)}
