"""Records as JSON and back, checked against their types."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}  # to build one takes a while


def to_json(record: object, *, indent: int | None = None) -> str:
    """A dataclass as JSON.

    Args:
        record: an instance of a dataclass whose fields JSON can hold.
        indent: spaces per level; None for a single line.
    """
    return _adapter(type(record)).dump_json(record, indent=indent).decode()


def to_data(record: object) -> Any:
    """A dataclass as dictionaries, lists, texts and numbers: what `to_json` writes."""
    return _adapter(type(record)).dump_python(record, mode="json")


def from_json(kind: type[T], text: str | bytes) -> T:
    """The record that `to_json` wrote.

    Raises:
        ValueError: the text is not JSON, or not such a record; one line that names the first field
            that is wrong.
    """
    try:
        return _adapter(kind).validate_json(text)
    except ValidationError as error:
        raise ValueError(first_problem(error)) from None


def from_data(kind: type[T], data: object) -> T:
    """The record that `to_data` gave.

    Raises:
        ValueError: as of `from_json`.
    """
    try:
        return _adapter(kind).validate_python(data)
    except ValidationError as error:
        raise ValueError(first_problem(error)) from None


def first_problem(error: ValidationError) -> str:
    """The first thing that a validation found, in one line: ``sampling.value: must be ...``."""
    first = error.errors(include_url=False)[0]
    said = first["msg"].removeprefix("Value error, ")
    said = said.replace("Input should be", "must be").replace("Field required", "is missing")
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {said}" if where else said


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
