"""Folders of one ``.npz`` per video: one array, or one named features, or rgb and flow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ....cache.schema import Snippets
from .arrays import as_snippets, check_expansion, damaged
from .files import files_of
from .named_arrays import choose_features
from .source import FeatureSource


def open_npz(path: Path) -> np.lib.npyio.NpzFile:
    """Open an archive of arrays, without pickles.

    Raises:
        InputError: it would fill the memory.
    """
    arrays = np.load(path, allow_pickle=False)
    check_expansion(path, sum(part.file_size for part in arrays.zip.infolist()))
    return arrays


class NpzFolder(FeatureSource):
    """``<video>.npz``, each array [n, D]."""

    kind = "npz"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._files = files_of(path, ".npz")

    def names(self) -> Iterable[str]:
        return self._files

    def read(self, name: str) -> Mapping[str, Snippets]:
        file = self._files[name]
        with damaged(file.name), open_npz(file) as arrays:
            chosen = choose_features(arrays.files)
            return {modality: as_snippets(arrays[key]) for modality, key in chosen.items()}
