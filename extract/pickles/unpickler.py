"""The standard library's unpickler, restricted to building data.

Python's own `pickle._Unpickler` (the pure-Python one, which joblib and pandas subclass too) reads
the instructions. Here it loses those that the documented forms do not need, looks up every name in
an exact table of stand-ins that are ours, and sets state only on those: nothing is imported, no
attribute is got or set. The C unpickler could not be used: its BUILD sets attributes on whatever
it finds, it allocates a memo as large as an index says, and nested tuples as keys stop it for ever.

What is built takes time and memory in proportion to the file: an instruction makes one object or
takes its bytes from the file. Nothing here may walk through a value: ten lists, each of ten times
the one before, hold 10^10.
"""

from __future__ import annotations

import mmap
import pickle
import pickletools
import re
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

Names = Mapping[tuple[str, str], object]  # stand-ins by module and name, exactly

# Twice as many as instructions. EPIC-KITCHENS-100 has 67,217 rows of 15 columns, in 2 million.
READS = 20_000_000
_LARGE = 2**16  # bytes
_ALLOWED = {
    *("MARK", "STOP", "POP", "POP_MARK", "DUP", "PROTO"),
    *("NONE", "NEWTRUE", "NEWFALSE"),
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "SHORT_BINSTRING", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
    *("EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_DICT"),
    *("PUT", "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET", "MEMOIZE"),
    *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BINPERSID"),
}
_TEXT = ("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8")
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which no file can hold


class Refused(ValueError):
    """A pickle is damaged, or says what none of the documented forms does."""


class Buildable(ABC):
    """A stand-in whose state comes after it."""

    @abstractmethod
    def build(self, state: object) -> None:
        """Take the state.

        Raises:
            Refused: it is of another form than the class pickles.
        """


class Stream:
    """Bytes read in order; large pieces are views of them, so that those of a mapped file stay
    there until they are looked at. Lengths that the bytes declare are not believed.

    Args:
        content: the bytes.
        limit: how often it may be read from.
    """

    def __init__(self, content: mmap.mmap | bytes, limit: int = READS) -> None:
        self._content, self._left, self._limit = content, limit, limit
        self.at = 0

    def read(self, size: int, /) -> bytes | memoryview:
        self._left -= 1
        if self._left < 0:
            raise Refused(f"needs more than {self._limit} reads: no documented form does")
        start, end = self.at, self.at + size
        if not start <= end <= len(self._content):
            raise Refused("ends too early")
        self.at = end
        return self._content[start:end] if size < _LARGE else memoryview(self._content)[start:end]

    def readline(self) -> bytes:
        end = self._content.find(b"\n", self.at)
        return bytes(self.read((end if end >= 0 else len(self._content)) + 1 - self.at))


class RestrictedUnpickler(pickle._Unpickler):
    """Builds what one pickle says of lists, tuples, dicts, text, numbers and stand-ins.

    Args:
        stream: the pickle, of any protocol; text of Python 2 counts as latin-1.
        names: what stands in for each name that it may use.
        persistent: gives what a persistent id stands for; None refuses them.
    """

    # What the standard library's has, which its type stubs leave out.
    stack: list[Any]
    append: Callable[[object], None]
    pop_mark: Callable[[], list[object]]
    read: Callable[[int], bytes | memoryview]

    def __init__(
        self,
        stream: Stream,
        names: Names,
        *,
        persistent: Callable[[object], object] | None = None,
    ) -> None:
        super().__init__(stream, encoding="latin-1")  # type: ignore[arg-type]  # views are bytes
        self._names, self._persistent = names, persistent

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in self._names:
            raise Refused(
                f"names {ascii(f'{module}.{name}'[:80])}, which is in none of the documented forms "
                "(nothing of it was run)"
            )
        return self._names[module, name]

    def persistent_load(self, pid: object) -> object:
        if self._persistent is None:
            raise Refused("uses persistent ids, which the documented forms do not")
        return self._persistent(pid)

    def _build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if not isinstance(target, Buildable):
            raise Refused(f"sets the state of a {type(target).__name__}")
        target.build(state)

    def _set_items(self) -> None:
        self._update(self.pop_mark())

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._update([key, value])

    def _dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self._update(items)

    def _update(self, items: list[object]) -> None:
        """Put keys and values in turn into the dict; only text, since a tuple's hash can take
        for ever."""
        target = self.stack[-1]
        if type(target) is not dict:
            raise Refused(f"uses a {type(target).__name__} as a dict")
        if len(items) % 2 or not all(type(key) is str for key in items[::2]):
            raise Refused("holds a dict whose keys are not text")
        target.update(zip(items[::2], items[1::2], strict=True))

    def _skip_frame_header(self) -> None:
        self.read(8)  # a frame only says how much to read ahead

    def _bytearray8(self) -> None:
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(self.read(size))

    def _binstring(self) -> None:
        (size,) = struct.unpack("<i", self.read(4))
        self.append(str(self.read(size), "latin-1"))


Load = Callable[[Any], None]  # of an unpickler


def _refuse(opcode: str) -> Load:
    def load(unpickler: object) -> NoReturn:
        raise Refused(f"uses the instruction {opcode}, which the documented forms do not")

    return load


def _text(original: Load) -> Load:
    def load(unpickler: RestrictedUnpickler) -> None:
        original(unpickler)
        if _SURROGATE.search(unpickler.stack[-1]):
            raise Refused("holds text with half a character")

    return load


def _dispatch() -> dict[int, Load]:
    """What each instruction does, by its code."""
    original = pickle._Unpickler.dispatch
    codes = {opcode.name: ord(opcode.code) for opcode in pickletools.opcodes}
    ours = RestrictedUnpickler
    return {
        **{code: _refuse(name) for name, code in codes.items()},
        **{codes[name]: original[codes[name]] for name in _ALLOWED},
        **{codes[name]: _text(original[codes[name]]) for name in _TEXT},
        codes["NEWOBJ"]: original[codes["REDUCE"]],
        codes["BUILD"]: ours._build,
        codes["SETITEM"]: ours._set_item,
        codes["SETITEMS"]: ours._set_items,
        codes["DICT"]: ours._dict,
        codes["FRAME"]: ours._skip_frame_header,
        codes["BYTEARRAY8"]: ours._bytearray8,
        codes["BINSTRING"]: ours._binstring,
    }


RestrictedUnpickler.dispatch = _dispatch()
