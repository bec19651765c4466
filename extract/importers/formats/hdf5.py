"""HDF5 files: one of all videos, with a dataset or a group of each, or one per video.

::

    /<video>             [n, D]; a name may be a path of nested groups
    /<video>/features    [n, D], or /<video>/rgb and /<video>/flow; other datasets are ignored

    <video>.h5          one dataset, or features, or rgb and flow
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import h5py

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
        with damaged(str(path)), h5py.File(path, "r") as h5:
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
        with h5py.File(self.path, "r") as h5:
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
        with damaged(file.name), h5py.File(file, "r") as h5:
            return _read(h5, choose_features(_datasets(h5)))


def _datasets(h5: h5py.File) -> list[str]:
    """Names of all datasets, with their groups.

    Raises:
        InputError: the file is one of ours, or keeps its data elsewhere.
    """
    if h5.attrs.get("format") == FORMAT:
        raise InputError("is a feature file already: use it as it is")
    datasets: list[str] = []
    h5.visititems(partial(_note, datasets))
    return datasets


def _read(h5: h5py.File, chosen: Mapping[str, str]) -> dict[str, Snippets]:
    """The datasets that are chosen for each modality."""
    found = {}
    for modality, key in chosen.items():
        with damaged(key):
            check_bytes(h5[key].shape, h5[key].dtype.itemsize)
            found[modality] = as_snippets(h5[key][()])
    return found


def _note(datasets: list[str], name: str | bytes, item: h5py.Group | h5py.Dataset) -> None:
    if isinstance(name, bytes):
        raise InputError(f"names a dataset {name!r}, which is not UTF-8")
    if isinstance(item, h5py.Dataset):
        if item.is_virtual or item.external:
            raise InputError(f"keeps {name} in other files, which are not read: copy it into one")
        datasets.append(name)
