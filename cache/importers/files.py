"""Folders of one file per video, whatever the files are."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError


def files_of(folder: Path, suffix: str) -> dict[str, Path]:
    """Files with this suffix at any depth, by their path without folder and suffix.

    Links to folders are not followed, as they may lead in circles; pipes are no files.

    Raises:
        InputError: no such file is there.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder of {suffix} files, one per video")
    files = {
        file.relative_to(folder).as_posix()[: -len(suffix)]: file
        for file in sorted(folder.rglob(f"*{suffix}"))
        if not file.name.startswith(".") and file.is_file()
    }
    if not files:
        raise InputError(f"{folder} holds no {suffix} file (links to folders are not followed)")
    return files
