"""Folders of one file per video, whatever the files are."""

from __future__ import annotations

from pathlib import Path

from ....cache.common.files.walk import walk
from ....cache.errors import InputError


def files_of(folder: Path, *suffixes: str) -> dict[str, Path]:
    """Files with one of these suffixes at any depth, by their path without folder and suffix.

    Links to folders are followed, each folder is read once. Pipes are no files; a link that leads
    nowhere is one, so that its video is counted as failed.

    Raises:
        InputError: no such file is there, or two of one name.
        OSError: a folder cannot be read.
    """
    said = " or ".join(suffixes)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder of {said} files, one per video")
    below = sorted(place / name for place, _, names in walk(folder) for name in names)
    files: dict[str, Path] = {}
    for suffix in suffixes:
        for file in below:
            if not file.name.endswith(suffix) or file.name.startswith("."):
                continue
            if file.exists() and not file.is_file():
                continue
            name = file.relative_to(folder).as_posix()[: -len(suffix)]
            if other := files.get(name):
                raise InputError(f"{file} and {other} are one video: keep one of them")
            files[name] = file
    if not files:
        raise InputError(f"{folder} holds no {said} file")
    return files
