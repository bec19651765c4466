"""How ``--set key=value`` changes options: nested dataclasses with a name each."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from ...cache.common.records import what_is_wrong
from ...cache.errors import InputError, shorten

Settings = Mapping[str, Any] | Sequence[str | tuple[str, Any]]
_MOST_MEANT = 3
_RENAMED = {"unpaired": "partnerless"}  # what it was called, by its name now


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
        known = {f"{name}.{path}" for name, config in roots.items() for path in keys(config)}
        require_key(key, value, known, _is_method)
        roots[root] = _replace(roots[root], rest.split("."), value, f"{key}={value}")
    return roots


def require_key(
    key: str, value: Any, known: Collection[str], is_method: Callable[[str], bool]
) -> None:
    """Refuse a setting of another key than those known; ``is_method`` tells names of methods.

    Raises:
        InputError: names the nearest, or says that its method is not to run.
    """
    if key in known:
        return
    root, _, rest = key.partition(".")
    if rest and is_method(root) and not any(name.startswith(f"{root}.") for name in known):
        raise InputError(f"{key}={value}: the method {root} is not among those to run")
    raise _unknown_key(key, sorted(known))


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
    if isinstance(value, str) and not value.strip():
        raise InputError(f"{setting}: give it a value or leave it out")
    if isinstance(value, str) and value.lower() == "none" and NoneType in get_args(hint):
        return None
    if hint is bool and isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    try:
        return adapter.validate_python(value, strict=hint is bool)
    except ValidationError as error:
        said = what_is_wrong(error)
        raise InputError(f"{setting}: {said.replace(chr(39), '')}") from None


@cache
def _type_of(kind: type, name: str) -> tuple[Any, TypeAdapter[Any]]:
    """A field's type, and what reads it."""
    hint = get_type_hints(kind, include_extras=True)[name]
    return hint, TypeAdapter(hint)


def _is_method(name: str) -> bool:
    from ..methods import names  # imports torch

    return name in names()


def _unknown_key(key: str, known: Sequence[str]) -> InputError:
    for now, before in _RENAMED.items():
        if key.endswith(f".{before}"):
            return InputError(
                f"no setting '{key}': it is called {key.removesuffix(before)}{now} now"
            )
    leaf = key.rpartition(".")[2]
    same = [name for name in known if name.endswith(f".{leaf}")]
    leaves = {name.rpartition(".")[2]: name for name in known}
    near = difflib.get_close_matches(key, known, n=1) or [
        leaves[name] for name in difflib.get_close_matches(leaf, leaves, n=1)
    ]
    if meant := same[:_MOST_MEANT] or near:
        return InputError(f"no setting '{shorten(key)}': did you mean {' or '.join(meant)}?")
    roots = ", ".join(dict.fromkeys(name.partition(".")[0] for name in known))
    return InputError(
        f"no setting '{shorten(key)}': docs/settings.md lists those of {roots}; write them as "
        "train.lr=1e-3"
    )
