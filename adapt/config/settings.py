"""How ``--set key=value`` changes options: nested dataclasses with a name each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from ...cache.errors import InputError, unknown
from ...cache.records import from_data, to_data
from ..methods import names

T = TypeVar("T")
Settings = Mapping[str, Any] | Sequence[str]
_RENAMED = {"unpaired": "partnerless"}  # what it was called, by its name now
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
}


def as_texts(settings: Settings) -> list[str]:
    """``{"train.lr": 0.1}`` as ``["train.lr=0.1"]``; what is a list already stays as it is."""
    if isinstance(settings, Mapping):
        return [f"{key}={value}" for key, value in settings.items()]
    return list(settings)


def apply_settings(settings: Sequence[str], roots: Mapping[str, Any]) -> dict[str, Any]:
    """Apply ``key=value`` settings, e.g. ``train.lr=1e-3`` or ``tcon.pair.rule=argmax``.

    Args:
        settings: in the order given; the last wins.
        roots: options to start from, by the first word of their keys (`config.default_options`).

    Returns:
        the same with the settings.

    Raises:
        InputError: an unknown method or key (the nearest is named), or a value of another type or
            out of its range.
    """
    roots = dict(roots)
    for setting in settings:
        key, equals, text = (part.strip() for part in setting.partition("="))
        root, _, rest = key.partition(".")
        if not equals:
            raise InputError(f"--set {setting}: write it as key=value")
        if root in names() and root not in roots:
            raise InputError(f"--set {setting}: method {root} is not among those to run")
        known = {f"{name}.{path}" for name, config in roots.items() for path in keys(config)}
        if key not in known:
            raise _unknown_key(key, sorted(known))
        roots[root] = _replace(roots[root], rest.split("."), text, setting)
    return roots


def keys(config: Any) -> Iterator[str]:
    """Dotted names of every leaf of a nested dataclass."""
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if dataclasses.is_dataclass(value):
            yield from (f"{f.name}.{key}" for key in keys(value))
        else:
            yield f.name


def check_options(config: T, root: str) -> T:
    """The same options, whose values have been held against their types and ranges.

    Raises:
        InputError: one of them cannot be.
    """
    try:
        return from_data(type(config), to_data(config))
    except ValueError as error:
        raise InputError(f"{root}.{error}") from None


def _replace(config: T, path: list[str], text: str, setting: str) -> T:
    name, *rest = path
    if rest:
        value = _replace(getattr(config, name), rest, text, setting)
    else:
        value = _parse(text, type(config), name, setting)
    return dataclasses.replace(config, **{name: value})  # type: ignore[type-var]  # a dataclass


def _parse(text: str, kind: type[Any], name: str, setting: str) -> Any:
    adapter, optional = _type_of(kind, name)
    if optional and text.lower() == "none":
        return None
    value: Any = {"true": True, "false": False}.get(text.lower(), text)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = _SAID.get(first["type"], first["msg"]).format(**first.get("ctx", {}))
        raise InputError(f"--set {setting}: {said.replace(' or ', ', ')}") from None


@lru_cache(maxsize=512)
def _type_of(kind: type[Any], name: str) -> tuple[TypeAdapter[Any], bool]:
    """What reads a field, and whether it may be None."""
    hint = get_type_hints(kind, include_extras=True)[name]
    return TypeAdapter(hint), NoneType in get_args(hint)


def _unknown_key(key: str, known: Sequence[str]) -> InputError:
    for now, before in _RENAMED.items():
        if key.endswith(f".{before}"):
            return InputError(
                f"no setting '{key}': it is called {key.removesuffix(before)}{now} now"
            )
    return unknown("setting", key, known)
