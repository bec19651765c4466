"""Read a small file that somebody may have put a pipe, a device or something huge in place of."""

from __future__ import annotations

from pathlib import Path

_LARGEST = 2**28  # bytes; what is read so takes kilobytes


def read_regular(path: Path) -> bytes:
    """The content of a file.

    Raises:
        OSError: it is missing or may not be read.
        ValueError: it is no file of a reasonable size.
    """
    require_file(path)
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST // 2**20} MiB")
    return path.read_bytes()


def require_file(path: Path) -> None:
    """Require that a path, if it is there, is a file: a pipe or a device may never end.

    Raises:
        ValueError: it is not.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is not a regular file")
