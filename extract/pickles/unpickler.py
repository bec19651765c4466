"""The stack machine that a pickle is a program for, without the instructions that could do harm.

It makes lists, tuples, dicts, text, bytes and numbers itself. What a pickle calls by name is looked
up in a table of stand-ins, which are ours; nothing is imported, no attribute is got or set.

What is built takes time and memory in proportion to the file: an instruction makes one object or
takes its bytes from the file, and stand-ins only keep what they are given until it is asked for.
Nothing may walk through a value here: ten lists, each of ten times the one before, hold 10^10.
"""

from __future__ import annotations

import codecs
import pickletools
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

# EPIC-KITCHENS-100 has 67,217 rows of 15 columns, in about 2 million.
INSTRUCTIONS = 10_000_000
_ARGUMENTS = 8  # of a call

_OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TEXT = {
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
}
_VALUES = _TEXT | {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which no file can hold
_LONG = 2**16  # characters: no name, but bytes in protocols before 3


class Refused(ValueError):
    """A pickle is damaged, or says what none of the documented forms does."""


class Stream(Protocol):
    """What instructions are read from; `read` gives fewer bytes at the end, or a view of them."""

    def read(self, size: int, /) -> bytes | memoryview: ...

    def readline(self) -> bytes: ...


class Buildable(ABC):
    """A stand-in whose state comes after it."""

    @abstractmethod
    def build(self, state: object) -> None:
        """Take the state.

        Raises:
            Refused: it is of another form than the class pickles.
        """


@dataclass(frozen=True)
class Name:
    """A name that a pickle may use, and what makes its stand-in; None where it is no call."""

    name: str
    construct: Callable[..., object] | None = None

    def __call__(self, *arguments: object) -> object:
        if self.construct is None:
            raise Refused(f"calls {self.name}, which the documented forms do not")
        return self.construct(*arguments)


Names = Mapping[tuple[str, str], Name]  # by module and name, exactly


def run(
    stream: Stream,
    names: Names,
    *,
    persistent: Callable[[object], object] | None = None,
    limit: int = INSTRUCTIONS,
) -> object:
    """Build what one pickle says; the stream then stands behind it.

    Args:
        stream: the pickle, of any protocol; text of Python 2 is taken for latin-1.
        names: that it may use.
        persistent: gives what a persistent id stands for; None refuses them.
        limit: of instructions.

    Raises:
        Exception: of any kind, for a damaged pickle; `Refused` where it can be said why.
    """
    stack: list = []
    outer: list[list] = []  # stacks below a mark
    memo: dict[int, object] = {}

    def items() -> list:
        """What is above the last mark."""
        nonlocal stack
        found, stack = stack, outer.pop()
        return found

    for _ in range(limit):
        opcode, argument = _next(stream)
        if opcode in _VALUES:
            if opcode in _TEXT and len(argument) < _LONG and _SURROGATE.search(argument):
                raise Refused("holds text with half a character")
            stack.append(argument)
            continue
        match opcode:
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINPUT" | "LONG_BINPUT" | "PUT":
                memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET" | "GET":
                stack.append(memo[argument])
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append(_CONSTANTS[opcode])
            case "MARK":
                outer.append(stack)
                stack = []
            case "EMPTY_TUPLE":
                stack.append(())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                last = [stack.pop() for _ in range(int(opcode[-1]))]
                stack.append(tuple(reversed(last)))
            case "TUPLE" | "LIST" | "DICT":
                made = {"TUPLE": tuple, "LIST": list, "DICT": _pairs}[opcode](items())
                stack.append(made)  # items() has changed the stack
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_DICT":
                stack.append({})
            case "APPEND":
                value = stack.pop()
                _of(stack[-1], list).append(value)
            case "APPENDS":
                values = items()
                _of(stack[-1], list).extend(values)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                _of(stack[-1], dict).update(_pairs([key, value]))
            case "SETITEMS":
                pairs = _pairs(items())
                _of(stack[-1], dict).update(pairs)
            case "POP":
                if stack:
                    stack.pop()
                else:
                    items()
            case "POP_MARK":
                items()
            case "DUP":
                stack.append(stack[-1])
            case "GLOBAL":
                stack.append(_named(names, *argument.split(" ", 1)))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(_named(names, _of(module, str), _of(name, str)))
            case "REDUCE" | "NEWOBJ":
                arguments, name = stack.pop(), stack.pop()
                if len(_of(arguments, tuple)) > _ARGUMENTS:
                    raise Refused(f"makes a call with {len(arguments)} arguments")
                stack.append(_of(name, Name)(*arguments))
            case "BUILD":
                state = stack.pop()
                _of(stack[-1], Buildable).build(state)
            case "BINPERSID" if persistent:
                stack.append(persistent(stack.pop()))
            case "STOP":
                return stack.pop()
            case "PROTO" | "FRAME":  # a frame only says how much to read ahead
                pass
            case _:
                raise Refused(f"uses the instruction {opcode}, which the documented forms do not")
    raise Refused(f"has more than {limit} instructions")


def _next(stream: Stream) -> tuple[str, object]:
    """The next instruction and its argument."""
    code = stream.read(1)
    if code not in _OPCODES:
        raise Refused("ends too early" if not code else "is no pickle, or a damaged one")
    opcode = _OPCODES[code]
    if opcode.name == "STRING":  # pickletools takes it for ASCII
        text = pickletools.read_stringnl(stream, decode=False)
        return opcode.name, codecs.escape_decode(text)[0].decode("latin-1")
    return opcode.name, opcode.arg and opcode.arg.reader(stream)


def _named(names: Names, module: str, name: str) -> Name:
    if (module, name) not in names:
        raise Refused(
            f"names {ascii(f'{module}.{name}'[:80])}, which is in none of the documented forms "
            "(nothing of it was run)"
        )
    return names[module, name]


def _pairs(items: list) -> dict:
    """Keys and values in turn; text alone is a key, since a tuple's hash can take for ever."""
    if len(items) % 2 or not all(type(key) is str for key in items[::2]):
        raise Refused("holds a dict whose keys are not text")
    return dict(zip(items[::2], items[1::2], strict=True))


def _of(value: object, kind: type) -> object:
    if not isinstance(value, kind):
        raise Refused(f"uses a {type(value).__name__} as a {kind.__name__}")
    return value
