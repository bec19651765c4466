"""Read a pickle if its owner vouches for it; the whole list of names that it may use is here."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path

from ...cache.errors import InputError
from . import arrays, frames
from .unpickler import Names, Refused, RestrictedUnpickler, Stream

ALLOWED: Names = {**arrays.NAMES, **frames.NAMES}


def require_trust(path: Path, *, trust: bool) -> None:
    """Refuse a pickle that nobody vouches for.

    Raises:
        InputError: names the flag and the risk.
    """
    if not trust:
        raise InputError(
            f"{path} is a pickle, a form that can carry harmful code: add --trust-pickle if you "
            "know where it comes from (it is read as data alone, and nothing in it is run)"
        )


def read_pickle(path: Path, *, trust: bool) -> object:
    """What a pickle holds: lists, tuples, dicts, text, numbers, `Array` and `Frame`.

    Nothing in it is run. Arrays stay in the file until they are looked at, except those of
    protocols 0 to 2, which are as large in memory as there.

    Args:
        path: the file.
        trust: that the user vouches for it.

    Raises:
        InputError: no trust, no such file, damaged, or it names what no documented form does.
    """
    require_trust(path, trust=trust)
    if not path.is_file():  # a pipe, say, would wait for ever
        raise InputError(f"no such file: {path}")
    try:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return RestrictedUnpickler(Stream(content), ALLOWED).load()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except Refused as error:
        raise InputError(f"{path} {error}") from None
    except Exception as error:  # parsers of damaged files raise anything
        reason = f"{type(error).__name__}: {ascii(str(error)[:100])[1:-1]}"
        raise InputError(f"{path} is not a pickle, or is damaged ({reason})") from None


def check_size(path: Path, found: Iterable[arrays.Array]) -> None:
    """Refuse arrays that together are larger than their file: all of the same bytes, say.

    Raises:
        InputError: they are.
    """
    if sum(array.nbytes for array in found) > path.stat().st_size:
        raise InputError(f"{path} declares more features than it holds")
