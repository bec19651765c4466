"""Read and write the files of a run's folder: somebody may have put anything in their place.

What is read may be a pipe, a device or damaged. What is written replaces what was there: a link is
never followed, and other names of the same file keep their content.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from ...cache.common.files.regular import read_regular
from ...cache.common.files.writing import write_errors, write_whole
from ...cache.errors import InputError, shorten

REPEAT = "delete the run and repeat it"
_DEEPEST = 50  # tables and lists within each other; a record has 6


@contextmanager
def may_be_damaged(path: Path, remedy: str = REPEAT) -> Iterator[None]:
    """In the block a file of a run is read and checked.

    Args:
        path: the file.
        remedy: what to do if it is damaged.

    Raises:
        InputError: it cannot be read, or it cannot be what a run has written.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
        raise InputError(f"{path} is damaged ({reason_of(error)}): {remedy}") from None


def reason_of(error: Exception) -> str:
    """What an error says, in a short line."""
    return shorten(" ".join(str(error).split()))


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        OSError: it is missing or may not be read.
        ValueError: it is no text of a reasonable size.
    """
    return read_regular(path).decode()


def parse_json(text: str) -> Any:
    """JSON whose values can be walked, written and shown.

    Raises:
        ValueError: it is no JSON, nested too deeply, or has a text that UTF-8 cannot hold.
        RecursionError: it is nested far too deeply.
    """
    values = json.loads(text)
    level, depth = [values], 0
    while level:
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        tables = [list(value.values()) for value in level if isinstance(value, dict)]
        lists = [value for value in level if isinstance(value, list)]
        level, depth = [inner for within in (*tables, *lists) for inner in within], depth + 1
    json.dumps(values, ensure_ascii=False).encode()  # half a character is none
    return values


def writing(path: Path) -> AbstractContextManager[None]:
    """`write_errors` of a run's file or folder, or of a file in it."""
    return write_errors(path, "make room, and the same command continues")


def replace_file(path: Path, content: bytes) -> None:
    """Write a file that is, after a kill at any moment, the old one or the new one.

    Raises:
        InputError: it cannot be written.
    """
    with writing(path):
        write_whole(path, content)
