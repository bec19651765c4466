"""Folders of one torch-saved vector per frame: TA3N, TranSVAE, MA2L-TD, TransferAttn.

::

    <video>/img_00001.t7      RGB, counted from 1
    <video>/x_00001.t7        flow, of which the y part is y_00001.t7; flow_x_00001, flowx_00001,
                              x00001 and the like too
"""

from __future__ import annotations

import io
import os
import re
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from ....cache.errors import InputError
from ....cache.schema import Snippets
from .arrays import as_snippets, damaged
from .source import UNNAMED, FeatureSource

_FILE = re.compile(r"(.*?)(\d{1,9})\.t7")
_FLOW = re.compile(r"(.*?)[xy](_?)")
_ZIP = b"PK\3\4"  # how torch knows its archives from its older files
_READERS = 8  # files at once: most of the time of a small file is the disk's latency


class T7(FeatureSource):
    """``<video>/img_%05d.t7``; a video's name is the path of its folder.

    Nothing is unpickled but tensors (``weights_only``). Links to folders are followed, each folder
    is read once.
    """

    kind = "t7"
    every_frame = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if not path.is_dir():
            raise InputError(f"{path} is not a folder of videos' folders of .t7 files")
        self._readers = ThreadPoolExecutor(_READERS)
        self._names = list(_video_folders(path, "", set()))
        if not any(self._names):
            if self._names:
                raise InputError(f"{path} is a video's folder: give the one above")
            raise InputError(f"{path} holds no .t7 file")

    def names(self) -> Iterable[str]:
        return self._names

    def read(self, name: str) -> Mapping[str, Snippets]:
        folder = self.path / name
        series = _series(folder)
        flow = _flow_prefixes(series)
        rgb = series.keys() - {prefix for pair in flow for prefix in pair}
        if len(flow) > 1 or len(rgb) > 1:
            raise InputError(f"mixes files named {', '.join(sorted(series))}")
        found = {"rgb" if flow else UNNAMED: self._vectors(folder, series[p]) for p in rgb}
        for pair in flow:
            x, y = (series.get(prefix, {}) for prefix in pair)
            if x.keys() != y.keys():
                raise InputError("does not have one y file of flow for each x file")
            parts = [self._vectors(folder, files) for files in (x, y)]
            features = np.concatenate([part.features for part in parts], axis=1)  # [n, 2 D]
            found["flow"] = Snippets(features, parts[0].frame)
        return found

    def _vectors(self, folder: Path, files: Mapping[int, str]) -> Snippets:
        """[n, D] of n files, which are counted from 1, or from 0 where there is a file 0."""
        numbers = sorted(files)
        paths = [folder / files[number] for number in numbers]
        read = self._readers.map(Path.read_bytes, paths)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about damaged files
            rows = [_vector(path.name, data) for path, data in zip(paths, read, strict=True)]
        if len({row.shape for row in rows}) > 1:
            raise InputError(f"mixes vectors of {sorted({len(row) for row in rows})} dimensions")
        return Snippets(np.stack(rows), np.array(numbers) - min(1, numbers[0]))


def _video_folders(folder: Path, name: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    """Paths of the folders that hold ``.t7`` files; nothing below them is looked at.

    Args:
        folder: to look through.
        name: its path.
        seen: folders that were looked through, by device and inode: links may lead in circles.
    """
    status = folder.stat()
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    folders = []
    with os.scandir(folder) as files:
        for file in files:
            if file.name.endswith(".t7"):
                yield name
                return
            if file.is_dir() and not file.name.startswith("."):
                folders.append((file.is_symlink(), file.name))
    for _, below in sorted(folders):
        yield from _video_folders(folder / below, f"{name}/{below}" if name else below, seen)


def _series(folder: Path) -> dict[str, dict[int, str]]:
    """Files by the start of their name and their number, such as ``{"img_": {1: ...}}``."""
    series: dict[str, dict[int, str]] = defaultdict(dict)
    with os.scandir(folder) as files:
        for file in files:
            if (match := _FILE.fullmatch(file.name)) and file.is_file():
                series[match[1]][int(match[2])] = file.name
    if not series:
        raise InputError("holds no numbered .t7 file")
    return series


def _flow_prefixes(series: Collection[str]) -> set[tuple[str, str]]:
    """How names of x and y files start. ``body_`` is none of them where there is no ``bodx_``."""
    pairs = set()
    for prefix in series:
        if match := _FLOW.fullmatch(prefix):
            x, y = (f"{match[1]}{axis}{match[2]}" for axis in "xy")
            certain = match[2] and (match[1] == "" or match[1].endswith("_"))
            if certain or {x, y} <= set(series):
                pairs.add((x, y))
    return pairs


def _vector(name: str, data: bytes) -> np.ndarray:
    """The vector [D] of one file."""
    with damaged(name):
        _check_archive(data)
        try:
            tensor = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        except Exception as error:
            if "weights_only" in str(error):  # torch's own advice is to load it unsafely
                raise InputError("is damaged, or more than a tensor: not unpickled") from None
            raise
        if not isinstance(tensor, torch.Tensor):
            raise InputError(f"holds a {type(tensor).__name__}, not a tensor")
        if tensor.numel() * tensor.element_size() > len(data):  # one number expanded to many
            raise InputError(f"declares {tensor.numel()} numbers, more than it holds")
        rows = as_snippets(tensor.detach().numpy()).features  # [1, D]
        if len(rows) > 1:
            raise InputError(f"has the shape {list(tensor.shape)}: it must be one vector")
        return rows[0]


def _check_archive(data: bytes) -> None:
    """Refuse what torch would inflate: it never compresses, and no part is larger than the whole.

    Raises:
        InputError: the parts of an archive are larger than it is.
    """
    if not data.startswith(_ZIP):
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        declared = sum(part.file_size for part in archive.infolist())
    if declared > len(data):
        raise InputError(f"declares {declared} bytes in a file of {len(data)}: save it anew")
