"""Files to write, checked before any work is done for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...cache import InputError


def check_outputs(paths: Mapping[str, Path | None]) -> None:
    """Refuse files that cannot be written, or two that are one.

    Args:
        paths: by the option that names each; None where it is not given.

    Raises:
        InputError: names the option.
    """
    options: dict[Path, str] = {}
    for option, path in paths.items():
        if path is None:
            continue
        if path.is_dir():  # as is an empty name
            raise InputError(f"cannot write {option} {path}: it is a folder, so name a file in it")
        if not path.parent.is_dir():
            raise InputError(f"cannot write {option} {path}: there is no folder {path.parent}")
        other = options.setdefault(path.resolve(), option)
        if other != option:
            raise InputError(f"{other} and {option} both write {path}: name two files")
