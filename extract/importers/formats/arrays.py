"""Arrays of users' files as snippets, and errors of damaged files as one line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ....cache.common.files.hdf5 import Unreadable
from ....cache.errors import InputError
from ....cache.schema import Snippets

_EXPANSION = 100  # features compress to half; zeros to a thousandth
MOST_BYTES = 2**30  # of one video's features: 130,000 snippets of 2,048 float32
_MOST_SNIPPETS = 2**24  # of one video: each has a frame of 8 bytes


def check_bytes(shape: Sequence[int], itemsize: int) -> None:
    """Refuse features that a small damaged file can declare and no memory holds.

    Args:
        shape: of one video's array.
        itemsize: bytes of a number.

    Raises:
        InputError: it is larger than `MOST_BYTES`.
    """
    if math.prod(shape) * itemsize > MOST_BYTES:
        raise InputError(
            f"declares {math.prod(shape) * itemsize / 2**30:.4g} GiB, and a video's features have "
            f"at most {MOST_BYTES / 2**30:.4g}: take fewer snippets of it"
        )


def as_snippets(array: np.ndarray, frame: np.ndarray | None = None) -> Snippets:
    """Features of one video as [n, D].

    Args:
        array: [n, D] numbers; [D] is one snippet. Axes of length 1 beyond two, as of [1, n, D] or
            [n, D, 1, 1], are dropped, those at the end first.
        frame: centre frame of each snippet, [n], in their order; 0, 1, 2 ... if None.

    Raises:
        InputError: another shape, no snippet or too many, no numbers, or frames of other
            snippets, negative ones, or some that go back.
    """
    if array.dtype.kind not in "fiu":
        raise InputError(f"holds {array.dtype}, not numbers: save it as an array of floats")
    shape = array.shape
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) == 1:
        shape = (1, *shape)
    if len(shape) != 2 or 0 in shape:
        raise InputError(f"has the shape {list(array.shape)}: it must be [snippets, dimensions]")
    if shape[0] > _MOST_SNIPPETS:
        raise InputError(f"has {shape[0]} snippets, and a video at most {_MOST_SNIPPETS}")
    frame = np.arange(shape[0]) if frame is None else frame
    if frame.shape != shape[:1] or frame.dtype.kind not in "iu":
        raise InputError(f"has {list(frame.shape)} {frame.dtype} frames of {shape[0]} snippets")
    frame = frame.astype(np.int64)
    if frame[0] < 0 or (np.diff(frame) < 0).any():
        raise InputError("has frames that are negative or go back: they are counted from 0")
    return Snippets(array.reshape(shape), frame)


def check_expansion(path: Path, declared: int) -> None:
    """Refuse a small file that would fill the memory.

    Args:
        path: the file.
        declared: bytes that its arrays say they take.

    Raises:
        InputError: more than 1 GiB, and more than a hundred times what the file has.
    """
    if declared > max(MOST_BYTES, _EXPANSION * path.stat().st_size):
        raise InputError(
            f"declares {declared / 2**30:.0f} GiB of arrays in a file of "
            f"{path.stat().st_size / 2**20:.1f} MiB: save its features anew"
        )


@contextmanager
def damaged(name: str) -> Iterator[None]:
    """Say which file or key cannot be read, and why.

    Raises:
        InputError: for whatever the block raises; a damaged file makes parsers raise anything.
    """
    try:
        yield
    except Unreadable:
        raise  # it names the file
    except InputError as error:
        raise InputError(" ".join(f"{name} {error}".splitlines())) from None
    except Exception as error:  # parsers of damaged files raise anything
        said = str(error).strip().partition("\n")[0].partition(". ")[0]
        reason = said if " " in said else f"{type(error).__name__} {said}".strip()
        raise InputError(f"{name} cannot be read: {reason[:200].strip()}") from None
