"""One HDF5 file: a dataset per video, or a group per video with its features.

::

    /<video>             [n, D]; a name may be a path of nested groups
    /<video>/features    [n, D], or /<video>/rgb and /<video>/flow; other datasets are left alone
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import h5py

from ..errors import InputError
from ..schema import FORMAT, Snippets
from .arrays import as_snippets, check_expansion, damaged
from .named_arrays import FEATURES, MODALITIES
from .source import UNNAMED, FeatureSource


class Hdf5(FeatureSource):
    """Datasets by name. Links to other files are not followed."""

    kind = "hdf5"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if not path.is_file():
            raise InputError(f"{path} is not an HDF5 file")
        with damaged(str(path)), h5py.File(path, "r") as h5:
            if h5.attrs.get("format") == FORMAT:
                raise InputError("is a feature file already: use it as it is")
            datasets: list[str] = []
            h5.visititems(partial(_note, datasets))
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
        found = {}
        with h5py.File(self.path, "r") as h5:
            for modality, key in self._videos[name].items():
                with damaged(key):
                    check_expansion(self.path, h5[key].nbytes)
                    found[modality] = as_snippets(h5[key][()])
        return found


def _note(datasets: list[str], name: str | bytes, item: h5py.Group | h5py.Dataset) -> None:
    if isinstance(name, bytes):
        raise InputError(f"names a dataset {name!r}, which is no UTF-8")
    if isinstance(item, h5py.Dataset):
        datasets.append(name)
