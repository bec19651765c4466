"""Folders of one MATLAB file per video."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from scipy.io import loadmat, whosmat

from ....cache.errors import InputError
from ....cache.schema import Snippets
from ...decoding import DecodeError
from ...decoding.pool import DecodePool
from .arrays import as_snippets, check_bytes, damaged
from .files import files_of
from .named_arrays import choose_features
from .source import FeatureSource

_TIME_LIMIT = 600  # seconds for one file, which may lie on a slow disk
_BYTES = {"double": 8, "single": 4} | {
    f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)
}


class Mat(FeatureSource):
    """``<video>.mat`` up to version 7, each variable [n, D].

    SciPy's reader can crash on a damaged file, so it runs in a process of its own.
    """

    kind = "mat"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._files = files_of(path, ".mat")
        self._pool: DecodePool[Path, dict[str, Snippets] | InputError] | None = None

    def names(self) -> Iterable[str]:
        return self._files

    def read(self, name: str) -> Mapping[str, Snippets]:
        file = self._files[name]
        if self._pool is None:
            self._pool = DecodePool(_MatReader(), workers=1, time_limit=_TIME_LIMIT)
        [answer] = self._pool.map([file], ahead=1)
        if isinstance(answer, DecodeError):
            raise InputError(f"{file.name} is damaged: its reader crashed or hung")
        if isinstance(answer, InputError):
            raise answer
        return answer

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None


class _MatReader:
    """What the process does: reads a file, or says what is wrong with it."""

    def prepare(self) -> None:
        """There is nothing to compile."""

    def read(
        self, request: Path, *, on_progress: Callable[[], None]
    ) -> Iterator[dict[str, Snippets] | InputError]:
        try:
            yield read_mat(request)
        except InputError as error:
            yield error


def read_mat(file: Path) -> dict[str, Snippets]:
    """The features in a MATLAB file, by modality: each variable [n, D].

    Raises:
        InputError: it is damaged, of version 7.3, too large, or holds no features.
    """
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
