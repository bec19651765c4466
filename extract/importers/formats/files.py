"""Folders of one file per video, whatever the files are."""

from __future__ import annotations

from pathlib import Path

from ....cache.errors import InputError


def files_of(folder: Path, *suffixes: str) -> dict[str, Path]:
    """Files with one of these suffixes at any depth, by their path without folder and suffix.

    Links to folders are not followed, as they may lead in circles; pipes are no files.

    Raises:
        InputError: no such file is there, or two of one name.
    """
    said = " or ".join(suffixes)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder of {said} files, one per video")
    files: dict[str, Path] = {}
    for suffix in suffixes:
        for file in sorted(folder.rglob(f"*{suffix}")):
            if file.name.startswith(".") or not file.is_file():
                continue
            name = file.relative_to(folder).as_posix()[: -len(suffix)]
            if other := files.get(name):
                raise InputError(f"{file} and {other} are one video: keep one of them")
            files[name] = file
    if not files:
        raise InputError(f"{folder} holds no {said} file (links to folders are not followed)")
    return files
