"""Folders of one MATLAB file per video."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from scipy.io import loadmat, whosmat

from ....cache.errors import InputError
from ....cache.schema import Snippets
from ..source import FeatureSource
from .arrays import as_snippets, check_bytes, damaged
from .files import files_of
from .named_arrays import choose_features

_BYTES = {"double": 8, "single": 4} | {
    f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)
}


class Mat(FeatureSource):
    """``<video>.mat`` up to version 7, each variable [n, D].

    SciPy's reader can crash on a damaged file: a process of its own reads.
    """

    kind = "mat"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._files = files_of(path, ".mat")
        self._reader: ProcessPoolExecutor | None = None

    def names(self) -> Iterable[str]:
        return self._files

    def read(self, name: str) -> Mapping[str, Snippets]:
        if self._reader is None:
            self._reader = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        try:
            return self._reader.submit(_read, self._files[name]).result()
        except BrokenProcessPool:
            self._reader = None
            raise InputError(f"{self._files[name].name} is damaged: its reader crashed") from None

    def close(self) -> None:
        if self._reader is not None:  # else it ends with Python, which may print an error then
            self._reader.shutdown()
            self._reader = None


def _read(file: Path) -> dict[str, Snippets]:
    with damaged(file.name):
        try:
            variables = whosmat(file)
        except NotImplementedError:
            raise InputError("is of MATLAB 7.3, which is HDF5: save it with -v7") from None
        sizes = {key: (shape, _BYTES[kind]) for key, shape, kind in variables if kind in _BYTES}
        chosen = choose_features(sizes)
        for key in chosen.values():
            check_bytes(*sizes[key])
        arrays = loadmat(file, variable_names=list(chosen.values()))
        return {modality: as_snippets(arrays[key]) for modality, key in chosen.items()}
