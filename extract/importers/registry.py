"""The formats of features by name, and which of them something is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from ...cache.common.files.walk import walk
from ...cache.errors import InputError, unknown
from ..pickles import read_pickle
from .formats.epic100 import Epic100
from .formats.hdf5 import SUFFIXES, Hdf5, Hdf5Folder
from .formats.mat import Mat
from .formats.mmaction2 import MMAction2
from .formats.mmsada import MMSada
from .formats.npy import Npy
from .formats.npz import NpzFolder
from .formats.npz_table import NpzTable
from .formats.source import FeatureSource
from .formats.t7 import T7


def _open_npz(path: Path) -> FeatureSource:
    return NpzTable(path) if path.is_file() else NpzFolder(path)


def _open_hdf5(path: Path) -> FeatureSource:
    return Hdf5Folder(path) if path.is_dir() else Hdf5(path)


_PLAIN: Mapping[str, Callable[[Path], FeatureSource]] = {
    "t7": T7,
    "npy": Npy,
    "npz": _open_npz,
    "hdf5": _open_hdf5,
    "mat": Mat,
}
_PICKLED: Mapping[str, Callable[..., FeatureSource]] = {
    "epic100": Epic100,
    "mmsada": MMSada,
    "mmaction2": MMAction2,
}
KINDS = (*_PLAIN, *_PICKLED)
_HDF5 = dict.fromkeys(SUFFIXES, "hdf5")
_IN_FOLDERS = {
    **{".t7": "t7", ".npy": "npy", ".npz": "npz", ".mat": "mat", ".pkl": "mmaction2"},
    **_HDF5,
}
_AS_FILES = {".npz": "npz", **_HDF5, ".pkl": ""}


def open_source(
    kind: str, path: Path, *, select: str | None = None, trust_pickle: bool = False
) -> FeatureSource:
    """Open somebody's features.

    Args:
        kind: one of `KINDS`.
        path: a folder or a file of that kind.
        select: which feature of video_features to take, of kind npy alone.
        trust_pickle: that the user vouches for what is a pickle.

    Raises:
        InputError: no such kind, nothing there, nothing of that kind, or a pickle without trust.
    """
    if kind not in KINDS:
        raise unknown("kind of features", kind, ("auto", *KINDS))
    _check_exists(path)
    if select and kind != "npy":
        raise InputError("--select chooses among the features of kind npy alone")
    if kind in _PICKLED:
        return _PICKLED[kind](path, trust_pickle=trust_pickle)
    return Npy(path, select) if select else _PLAIN[kind](path)


def recognise(path: Path, *, trust_pickle: bool = False) -> tuple[str, str]:
    """The kind of what is at ``path``, and what else was seen, "" if nothing.

    A folder is of the kind that most of its files have; a pickle is looked into.

    Raises:
        InputError: no kind is recognised, or a pickle without trust.
    """
    _check_exists(path)
    if path.is_dir():
        names = [name for _, _, files in walk(path) for name in files]
        known = _IN_FOLDERS
    else:
        names, known = [path.name], _AS_FILES
    suffixes = Counter(suffix for name in names if (suffix := Path(name).suffix) in known)
    if not suffixes:
        raise InputError(
            f"{path} is of a kind that is not recognised ({', '.join(known)}): name its kind, one "
            f"of {', '.join(KINDS)}"
        )
    kinds: Counter[str] = Counter()
    for suffix, count in suffixes.most_common():
        kinds[known[suffix]] += count
    ((taken, _),) = kinds.most_common(1)
    if not taken:
        return _kind_of_pickle(path, trust=trust_pickle), ""
    others = [(n, suffix) for suffix, n in suffixes.most_common() if known[suffix] != taken]
    said = ", ".join(f"{count} {suffix}" for count, suffix in others)
    return taken, f"{said} files are ignored" if said else ""


def _kind_of_pickle(path: Path, *, trust: bool) -> str:
    content = read_pickle(path, trust=trust)
    features = content.get("features") if isinstance(content, dict) else None
    return "mmsada" if isinstance(features, list) else "epic100"


def _check_exists(path: Path) -> None:
    if not path.exists():
        raise InputError(f"no such file or folder: {path}")
