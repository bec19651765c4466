"""HDF5 files: one of all videos, with a dataset or a group of each, or one per video.

::

    /<video>             [n, D]; a name may be a path of nested groups
    /<video>/features    [n, D], or /<video>/rgb and /<video>/flow; other datasets are ignored

    <video>.h5          one dataset, or features, or rgb and flow
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import h5py

from ....cache.common.files.hdf5 import check_held, datasets_of, open_unchecked
from ....cache.errors import InputError
from ....cache.schema import FORMAT, Snippets
from .arrays import as_snippets, check_bytes, damaged
from .files import files_of
from .named_arrays import FEATURES, MODALITIES, choose_features
from .source import UNNAMED, FeatureSource

SUFFIXES = (".h5", ".hdf5")


class Hdf5(FeatureSource):
    """Datasets by name. What links to other files, or keeps its data there, is not read."""

    kind = "hdf5"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if not path.is_file():
            raise InputError(f"{path} is not an HDF5 file")
        with damaged(str(path)), open_unchecked(path) as h5:
            datasets = _datasets(h5)
        self._videos: dict[str, dict[str, str]] = defaultdict(dict)  # by name and modality
        for name in datasets:
            video, _, part = name.rpartition("/")
            if video and part.lower() in (*FEATURES, *MODALITIES):
                modality = part.lower() if part.lower() in MODALITIES else UNNAMED
                self._videos[video][modality] = name
        if not self._videos:
            self._videos.update({name: {UNNAMED: name} for name in datasets})
        if not self._videos:
            raise InputError(f"{path} holds no dataset")

    def names(self) -> Iterable[str]:
        return self._videos

    def read(self, name: str) -> Mapping[str, Snippets]:
        with open_unchecked(self.path) as h5:
            return _read(h5, self._videos[name])


class Hdf5Folder(FeatureSource):
    """``<video>.h5`` or ``.hdf5``, each dataset [n, D]."""

    kind = "hdf5"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._files = files_of(path, *SUFFIXES)

    def names(self) -> Iterable[str]:
        return self._files

    def read(self, name: str) -> Mapping[str, Snippets]:
        file = self._files[name]
        with damaged(file.name), open_unchecked(file) as h5:
            return _read(h5, choose_features(_datasets(h5)))


def _datasets(h5: h5py.File) -> list[str]:
    """Names of all datasets, with their groups.

    Raises:
        InputError: the file is one of ours, or keeps something in other files.
    """
    if h5.attrs.get("format") == FORMAT:
        raise InputError("is a feature file already: use it as it is")
    return [name for name, _ in datasets_of(h5)]


def _read(h5: h5py.File, chosen: Mapping[str, str]) -> dict[str, Snippets]:
    """The datasets that are chosen for each modality."""
    found = {}
    for modality, key in chosen.items():
        with damaged(key):
            dataset = h5[key]
            check_bytes(dataset.shape, dataset.dtype.itemsize)
            check_held(dataset)
            found[modality] = as_snippets(dataset[()])
    return found
