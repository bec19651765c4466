"""How ``--set key=value`` changes options: nested dataclasses with a name each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from ...cache.errors import InputError, unknown
from ..methods import names

T = TypeVar("T")
Settings = Mapping[str, Any] | Sequence[str | tuple[str, Any]]
_RENAMED = {"unpaired": "partnerless"}  # what it was called, by its name now
_MESSAGES = {
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "int_parsing_size": "number too large",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "finite_number": "must be finite",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be one of {expected}",
}


def pairs(settings: Settings) -> list[tuple[str, Any]]:
    """Settings as keys and values: ``key=value`` of a command line, or values of Python.

    Raises:
        InputError: a text is not ``key=value``.
    """
    if isinstance(settings, Mapping):
        return [(str(key), value) for key, value in settings.items()]
    found: list[tuple[str, Any]] = []
    for setting in settings:
        if not isinstance(setting, str):
            found.append(setting)
            continue
        key, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise InputError(f"the setting {setting}: write it as key=value")
        found.append((key, text))
    return found


def apply_settings(settings: Settings, roots: Mapping[str, Any]) -> dict[str, Any]:
    """Apply ``key=value`` settings, e.g. ``train.lr=1e-3`` or ``tcon.pair.rule=argmax``.

    Args:
        settings: in the order given; the last wins.
        roots: options to start from, by the first word of their keys (`runs.default_options`).

    Returns:
        the same with the settings.

    Raises:
        InputError: an unknown method or key (the nearest is named), or a value of another type or
            out of its range.
    """
    roots = dict(roots)
    for key, value in pairs(settings):
        root, _, rest = key.partition(".")
        if root in names() and root not in roots:
            raise InputError(f"{key}={value}: the method {root} is not among those to run")
        known = {f"{name}.{path}" for name, config in roots.items() for path in keys(config)}
        if key not in known:
            raise _unknown_key(key, sorted(known))
        roots[root] = _replace(roots[root], rest.split("."), value, f"{key}={value}")
    return roots


def validated(options: T, name: str) -> T:
    """Options that were given as an object, their fields checked as settings are.

    Args:
        options: a dataclass; those inside it are checked too.
        name: of it, for the message.

    Returns:
        the same, values of a related type converted.

    Raises:
        InputError: a value of another type or out of its range.
    """
    assert dataclasses.is_dataclass(options) and not isinstance(options, type)
    values = {}
    for f in dataclasses.fields(options):
        value, key = getattr(options, f.name), f"{name}.{f.name}"
        values[f.name] = (
            validated(value, key)
            if dataclasses.is_dataclass(value)
            else _parse(value, type(options), f.name, f"{key}={value}")
        )
    return dataclasses.replace(options, **values)


def keys(config: Any) -> Iterator[str]:
    """Dotted names of every leaf of a nested dataclass."""
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if dataclasses.is_dataclass(value):
            yield from (f"{f.name}.{key}" for key in keys(value))
        else:
            yield f.name


def _replace(config: Any, path: list[str], value: Any, setting: str) -> Any:
    """The same options with another value, as a text or of the option's own type."""
    name, *rest = path
    if rest:
        value = _replace(getattr(config, name), rest, value, setting)
    else:
        value = _parse(value, type(config), name, setting)
    return dataclasses.replace(config, **{name: value})


def _parse(value: Any, kind: type, name: str, setting: str) -> Any:
    hint, adapter = _type_of(kind, name)
    if isinstance(value, str) and value.lower() == "none" and NoneType in get_args(hint):
        return None
    if hint is bool and isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    try:
        return adapter.validate_python(value, strict=hint is bool)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = _MESSAGES.get(first["type"], first["msg"]).format(**first.get("ctx", {}))
        raise InputError(f"{setting}: {message.replace(chr(39), '')}") from None


@cache
def _type_of(kind: type, name: str) -> tuple[Any, TypeAdapter[Any]]:
    """A field's type, and what reads it."""
    hint = get_type_hints(kind, include_extras=True)[name]
    return hint, TypeAdapter(hint)


def _unknown_key(key: str, known: Sequence[str]) -> InputError:
    for now, before in _RENAMED.items():
        if key.endswith(f".{before}"):
            return InputError(
                f"no setting '{key}': it is called {key.removesuffix(before)}{now} now"
            )
    return unknown("setting", key, known)
