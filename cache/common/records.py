"""Records as JSON and back, checked against their types."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from ..errors import InputError, shorten, visible

T = TypeVar("T")
_SAID = {
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "int_parsing_size": "number too large",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "finite_number": "must be finite",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be one of {expected}",
    "missing": "is missing",
}
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}  # to build one takes a while
_FIELD_ADAPTERS: dict[type[Any], dict[str, TypeAdapter[Any]]] = {}


class InvalidField(InputError):
    """A field of a dataclass has a value that makes no sense.

    Args:
        field: its name.
        problem: what is wrong with the value: ``must be at least 1, not 0``.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)  # as given, so that it can be pickled
        self.field, self.problem = field, problem

    def __str__(self) -> str:
        return visible(f"{self.field} {self.problem}")


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
    where = ".".join(map(str, error.errors(include_url=False)[0]["loc"]))
    return f"{where}: {what_is_wrong(error)}" if where else what_is_wrong(error)


def what_is_wrong(error: ValidationError) -> str:
    """The first thing that a validation found, without where: ``must be at least 1``."""
    first = error.errors(include_url=False)[0]
    if first["type"] in _SAID:
        return _SAID[first["type"]].format(**first.get("ctx", {}))
    return first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")


def validate(record: object) -> None:
    """Check a dataclass against the types and ranges beside its fields; for ``__post_init__``.

    A value of another type that means the same, such as a path as a text, is converted.

    Raises:
        InvalidField: names the first field that is wrong.
    """
    for name, adapter in _field_adapters(type(record)).items():
        value = getattr(record, name)
        try:
            object.__setattr__(record, name, adapter.validate_python(value))  # it may be frozen
        except ValidationError as error:
            said = what_is_wrong(error)
            raise InvalidField(name, f"{said}, not {shorten(repr(value))}") from None


def _field_adapters(kind: type[Any]) -> dict[str, TypeAdapter[Any]]:
    if kind not in _FIELD_ADAPTERS:
        hints = get_type_hints(kind, include_extras=True)
        _FIELD_ADAPTERS[kind] = {f.name: TypeAdapter(hints[f.name]) for f in fields(kind)}
    return _FIELD_ADAPTERS[kind]


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
