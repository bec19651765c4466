"""Records that hold arrays, in one line: shapes in place of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

_MOST = 3  # entries of a sequence that are shown


def short_repr(record: object) -> str:
    """The repr of a dataclass or named tuple, e.g. ``Result(features=[8, 512] float32)``.

    Assign it to ``__repr__`` in the class's body: arrays and tensors of any size then print as
    their shape and type, and long sequences as their length.
    """
    parts = (f"{name}={_short(value)}" for name, value in _fields(record))
    return f"{type(record).__name__}({', '.join(parts)})"


def _fields(record: object) -> Iterator[tuple[str, object]]:
    if is_dataclass(record):
        yield from ((f.name, getattr(record, f.name)) for f in fields(record))
    else:
        yield from ((name, getattr(record, name)) for name in getattr(record, "_fields", ()))


def _short(value: object) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{list(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_short(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        if len(value) > _MOST:
            return f"<{len(value)} entries>"
        return f"({', '.join(map(_short, value))}{',' * (len(value) == 1)})"
    return repr(value)
