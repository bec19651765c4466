"""Write files so that after a kill, or on a full disk, there is the old one or the new one."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ...errors import InputError

# Errors of the disk rather than of one file: whatever is written next would fail as well.
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


class DiskError(InputError):
    """The disk takes no more: it is full, over a quota, read-only or broken."""


@contextmanager
def write_errors(path: Path, remedy: str = "make room and repeat the command") -> Iterator[None]:
    """In the block this file or folder is written.

    Args:
        path: for the message.
        remedy: for a disk that takes no more.

    Raises:
        InputError: it cannot be written; a `DiskError` where the disk takes no more.
    """
    try:
        yield
    except OSError as error:
        why = f"cannot write {path}: {error.strerror or error}"
        if error.errno in _OF_THE_DISK:
            raise DiskError(f"{why}; {remedy}") from None
        raise InputError(why) from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the name of a file to make, which takes the place of ``path`` when the block ends well.

    A link at ``path`` is replaced, not followed.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.unlink(missing_ok=True)  # of a killed process, or a link elsewhere
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)  # the rename itself
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


@contextmanager
def new_whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file as of `replacing`.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    with replacing(path) as temporary, temporary.open("xb") as file:
        yield file


def write_whole(path: Path, content: bytes) -> None:
    """Write a file as `new_whole_file` does.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    with new_whole_file(path) as file:
        file.write(content)


def write_output(path: Path, content: str | bytes) -> None:
    """Write a file that the user has named; text as UTF-8.

    Raises:
        InputError: it cannot be written; an older file is left as it was.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    with write_errors(path):
        if is_direct(path):
            path.write_bytes(data)
        else:
            write_whole(path, data)


def is_direct(path: Path) -> bool:
    """Whether an output is written directly: a device, a pipe, or what a link leads to."""
    return path.is_symlink() or (path.exists() and not path.is_file())


def sync(path: Path) -> None:
    """Wait until a file, or what a folder names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
