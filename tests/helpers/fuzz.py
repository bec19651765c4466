"""Damage at random to what users give, and what it must end in. `make fuzz` tries 10,000 of each.

A strategy draws a few damages one after the other; hypothesis shrinks what fails to the fewest.
"""

from __future__ import annotations

import io
import json
import math
import re
import resource
import signal
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np
import torch
from hypothesis import settings
from hypothesis import strategies as st

from tcon.cache import InputError

LIMIT = 20  # seconds; sound input takes milliseconds
MEMORY = 2**31  # bytes; sound input takes kilobytes, and one video's features at most 2**30
_LONGEST = 1500  # characters of a message; one may list all settings of a method

FEWER = settings(max_examples=settings().max_examples // 10)  # for what takes long

_NUMBERS = [
    *(
        b"-1",
        b"0",
        b"9" * 50,
        b"9" * 5000,
        b"1e309",
        b"nan",
        b"-inf",
        b"0x10",
        b"1_0",
        b"99999999999",
    ),
    *("\u0661".encode(), "\u00b2".encode()),  # digits that are not 0 to 9
]
TEXT = [
    *(b"", b"\0", b"\n", b"\r", b"\t", b" ", b",", b";", b'"', b"'", b"=", b"[", b"]", b"{", b"}"),
    *(b"|", b"\\", b"\xff", b"\xe9", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1b[2J"),
    *("\u2028".encode(), "\u0085".encode(), "u\u0308".encode(), "\u202e".encode()),
    *(b"../" * 9, b"/etc/passwd", b"..\\..\\", b"C:\\x", b"~/x", b"/dev/zero", b"x" * 20_000),
    *_NUMBERS,
]
BINARY = [
    *(b"\0", b"\xff", b"\n", b"\xff" * 8, b"\0" * 8, b"\x7f" + b"\xff" * 7, b"\xff" * 7 + b"\x7f"),
    *((2**n).to_bytes(8, order) for n in (16, 31, 32, 40, 62) for order in ("little", "big")),
    *_NUMBERS,
]
# Instructions: calls of `detonate`, ten times the last value, mark and memo, lengths that lie.
PICKLE = [
    *(b"cfuzz\ndetonate\n)R", b"\x8c\x04fuzz\x8c\x08detonate\x93)R", b"(ifuzz\ndetonate\n"),
    *(b"(cfuzz\ndetonate\no", b"cnumpy\nload\n", b"(" + b"2" * 9 + b"l", b"((((", b"t", b"2", b"0"),
    *(b"}", b"]", b"N", b"K\1", b"a", b"s", b"b", b"R", b"h\0", b"q\0", b"r\xff\xff\xff\x7f", b"."),
    *(b"\x8e" + b"\xff" * 7 + b"\x7f", b"\x8d" + b"\xff" * 8, b"X\xff\xff\xff\x7f", b"Pid\n", b"Q"),
    *BINARY,
]


class _Fatal(BaseException):
    """What no parser may catch."""


def detonate() -> None:
    """What a pickle must not be able to call."""
    raise _Fatal("a pickle has called a function")


def _hang(*_: object) -> None:
    raise _Fatal(f"no end after {LIMIT} s")


@contextmanager
def ends_well(*, memory: int | None = MEMORY) -> Iterator[None]:
    """What is read in the block must be read in time and memory, or be refused in one clear line.

    What the process has taken before at its most is not seen again. ``memory`` is None for HDF5,
    whose own library takes for a moment what a damaged file says, gigabytes if need be.
    """
    taken = peak()
    before = signal.signal(signal.SIGALRM, _hang)
    signal.alarm(LIMIT)
    try:
        yield
    except InputError as error:
        said = str(error)
        assert said.isprintable() and said == said.strip() and len(said) < _LONGEST, said
    except _Fatal as fatal:
        raise AssertionError(str(fatal)) from fatal
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    grown = peak() - taken
    assert memory is None or grown < memory, f"has taken {grown / 2**30:.1f} GiB"


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@st.composite
def damaged(draw: st.DrawFn, sound: bytes, tokens: list[bytes] = BINARY) -> bytes:
    """Bytes cut off, cut out, flipped, overwritten, repeated, or with a token among them."""
    for _ in range(draw(st.integers(1, 4))):
        sound = _in_bytes(draw, sound, tokens)
    return sound


@st.composite
def damaged_text(draw: st.DrawFn, sound: bytes) -> bytes:
    """The same, and lines or cells that are lost, doubled or absurd, and other encodings."""
    for _ in range(draw(st.integers(1, 4))):
        damage = draw(st.sampled_from([_in_bytes, _in_lines, _in_cells, _in_cells, _encoded]))
        sound = damage(draw, sound, TEXT)
    return sound


@st.composite
def damaged_zip(draw: st.DrawFn, sound: bytes, tokens: list[bytes] = BINARY) -> bytes:
    """A sound archive with damaged members, or a damaged archive."""
    if draw(st.booleans()):
        return draw(damaged(sound))
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sound)) as old, zipfile.ZipFile(made, "w") as new:
        chosen = draw(st.sampled_from(old.namelist()))
        for name in old.namelist():
            content = old.read(name)
            content = draw(damaged(content, tokens)) if name == chosen else content
            new.writestr(name, content)
    return made.getvalue()


@st.composite
def damaged_json(draw: st.DrawFn, sound: bytes) -> bytes:
    """A value that is lost or of another kind, or a damaged text."""
    content = json.loads(sound)
    places = list(_places(content))
    if not places or draw(st.booleans()):
        return draw(damaged_text(sound))
    place, key = draw(st.sampled_from(places))
    if draw(st.booleans()):
        del place[key]
    else:
        place[key] = draw(st.sampled_from(_JSON))
    return json.dumps(content).encode()


def nested(depth: int) -> list:
    """Lists within each other."""
    return [nested(depth - 1)] if depth else []


_JSON = [
    *(None, True, -1, 0, 0.5, 10**4, 10**7, 10**9, 2**63, 1e400, 10**30, float("nan")),
    *("", "\0", "x", "\ud800", "\x1b[2J\u202e", "../" * 9, "x" * 5000, [], {}, ["x"], nested(900)),
]


@st.composite
def damaged_tensors(draw: st.DrawFn, sound: bytes) -> bytes:
    """A file of torch with an entry that is lost or another, or damaged bytes."""
    if draw(st.booleans()):
        return draw(damaged(sound))
    content = torch.load(io.BytesIO(sound), weights_only=True)
    for _ in range(draw(st.integers(1, 2))):
        places = list(_places(content))
        if not places:
            break
        place, key = draw(st.sampled_from(places))
        if draw(st.booleans()) and isinstance(place, dict):
            del place[key]
            continue
        old = place[key]
        place[key] = draw(st.sampled_from(_TENSORS))
        if isinstance(old, torch.Tensor) and old.is_floating_point() and draw(st.booleans()):
            place[key] = torch.full_like(old, draw(st.sampled_from([math.nan, math.inf, 1e38])))
    made = io.BytesIO()
    torch.save(content, made)
    return made.getvalue()


_TENSORS = [
    *(None, True, -1, 10**30, math.nan, "", "x\x1b[2J", [], {}, [1], {"x": {}}, {1: 2}),
    *(torch.zeros(0), torch.zeros(()), torch.zeros(2, 3), torch.tensor([math.nan])),
    *(torch.zeros(3, dtype=torch.int64), torch.zeros(1).expand(10**12), torch.ones(3).to_sparse()),
]


@st.composite
def damaged_hdf5(draw: st.DrawFn, sound: bytes) -> bytes:
    """Datasets, groups and attributes that are lost or of another kind, or a damaged file."""
    if draw(st.booleans()):
        return _with_heaps(draw(damaged(sound)), sound)
    file = io.BytesIO(sound)
    with h5py.File(file, "r+") as h5:
        for _ in range(draw(st.integers(1, 3))):
            groups = [h5, *(item for item in _items(h5) if isinstance(item, h5py.Group))]
            places = [*groups, *(item.attrs for item in (h5, *_items(h5)))]
            place = draw(st.sampled_from([place for place in places if len(place)]))
            key = draw(st.sampled_from(sorted(place)))
            old = None if isinstance(place, h5py.AttributeManager) else place[key]
            new = draw(st.sampled_from(_VALUES + ["resized"] * bool(getattr(old, "size", 0))))
            if isinstance(new, str) and new == "resized":
                new = np.resize(old[()], (draw(st.integers(0, 5)), *old.shape[1:]))
                new = new.astype(h5py.string_dtype()) if old.dtype.kind == "O" else new
            del place[key]
            if new is not None:
                place[key] = new
    return file.getvalue()


def _with_heaps(content: bytes, sound: bytes) -> bytes:
    """With the sound heaps of text: HDF5 2.0 reads some damaged ones for ever, in C, where no limit
    of ours reaches."""
    for heap in re.finditer(b"GCOL", sound):
        start, stop = heap.start(), heap.start() + _HEAP
        if stop <= len(content):
            content = content[:start] + sound[start:stop] + content[stop:]
    return content


_HEAP = 4096  # bytes
_VALUES = [
    *(None, "", "x", "x" * 5000, b"\xff", -1, 2**62, 1.5, float("nan"), True, h5py.Empty("f4")),
    *(["a", "b"], [0, 1], [-1, 10**9], [0.5] * 3, np.zeros((2, 3)), np.zeros((0, 4), "f2")),
]


def _items(h5: h5py.File) -> list[h5py.Group | h5py.Dataset]:
    found: list[h5py.Group | h5py.Dataset] = []
    h5.visititems(lambda _, item: found.append(item))
    return found


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every value of nested dicts and lists, as what it is in and its key."""
    keys = content if isinstance(content, dict) else range(len(content))
    for key in keys:
        yield content, key
        if isinstance(content[key], dict | list):
            yield from _places(content[key])


def _in_bytes(draw: st.DrawFn, content: bytes, tokens: list[bytes]) -> bytes:
    places = st.integers(0, len(content))
    start, stop = sorted((draw(places), draw(places)))
    match draw(st.sampled_from(["cut", "remove", "flip", "overwrite", "insert", "repeat"])):
        case "cut":
            return content[:start]
        case "remove":
            return content[:start] + content[stop:]
        case "flip":
            bit = 1 << draw(st.integers(0, 7))
            flipped = bytes(byte ^ bit for byte in content[start : start + 1])
            return content[:start] + flipped + content[start + 1 :]
        case "overwrite":
            noise = draw(st.sampled_from(tokens) | st.binary(min_size=1, max_size=8))
            return content[:start] + noise + content[start + len(noise) :]
        case "insert":
            return content[:start] + draw(st.sampled_from(tokens)) + content[start:]
        case _:
            return content[:stop] + content[start:stop] + content[stop:]


def _in_lines(draw: st.DrawFn, content: bytes, tokens: list[bytes]) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    at, to = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    match draw(st.sampled_from(["drop", "double", "swap", "all in one"])):
        case "drop":
            del lines[at]
        case "double":
            lines.insert(to, lines[at])
        case "swap":
            lines[at], lines[to] = lines[to], lines[at]
        case _:
            lines = [line.strip() for line in lines]
    return b"".join(lines)


def _in_cells(draw: st.DrawFn, content: bytes, tokens: list[bytes]) -> bytes:
    """In one line, or in all lines, as where a column is missing."""
    separator = draw(st.sampled_from([b",", b";", b"\t", b" ", b"=", b"/"]))
    column, token = draw(st.integers(0, 5)), draw(st.sampled_from(tokens))
    damage = draw(st.sampled_from(["drop", "double", "replace"]))
    lines = content.split(b"\n")
    chosen = draw(st.sampled_from([*range(len(lines)), None]))
    for number, line in enumerate(lines):
        cells = line.split(separator)
        if chosen in (None, number) and column < len(cells):
            new = {"drop": [], "double": [cells[column]] * 2, "replace": [token]}[damage]
            lines[number] = separator.join([*cells[:column], *new, *cells[column + 1 :]])
    return b"\n".join(lines)


def _encoded(draw: st.DrawFn, content: bytes, tokens: list[bytes]) -> bytes:
    text = content.decode("utf-8", "replace")
    encoding = draw(st.sampled_from(["utf-16", "utf-32", "latin-1", "utf-8-sig", "cp037"]))
    return text.encode(encoding, "replace")
