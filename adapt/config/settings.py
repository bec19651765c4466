"""How ``--set key=value`` changes options: nested dataclasses with a name each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from ...cache.errors import InputError, unknown
from ..methods import names

T = TypeVar("T")
_MAY_BE_ZERO = ("lr_drops", "min_steps", "features", "micro_batch")
_BELOW_ONE = ("dropout", "momentum", "holdout")


def apply_settings(settings: Sequence[str], roots: Mapping[str, Any]) -> dict[str, Any]:
    """Apply ``key=value`` settings, e.g. ``train.lr=1e-3`` or ``tcon.pair.rule=argmax``.

    Args:
        settings: in the order given; the last wins.
        roots: options to start from, by the first word of their keys (`config.default_options`).

    Returns:
        the same with the settings.

    Raises:
        InputError: an unknown method or key (the nearest is named), or a value of another type.
    """
    roots = dict(roots)
    for setting in settings:
        key, equals, text = setting.partition("=")
        root, _, rest = key.strip().partition(".")
        if not equals:
            raise InputError(f"--set {setting}: write it as key=value")
        if root in names() and root not in roots:
            raise InputError(f"--set {setting}: method {root} is not among those to run")
        known = [f"{name}.{path}" for name, config in roots.items() for path in keys(config)]
        if key.strip() not in known:
            raise unknown("setting", key.strip(), known)
        roots[root] = _replace(roots[root], rest.split("."), text.strip(), setting)
    return roots


def keys(config: Any) -> Iterator[str]:
    """Dotted names of every leaf of a nested dataclass."""
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if dataclasses.is_dataclass(value):
            yield from (f"{f.name}.{key}" for key in keys(value))
        else:
            yield f.name


def _replace(config: T, path: list[str], text: str, setting: str) -> T:
    name, *rest = path
    if rest:
        value = _replace(getattr(config, name), rest, text, setting)
    else:
        value = _parse(text, get_type_hints(type(config))[name], setting)
        _check_range(name, value, setting)
    return dataclasses.replace(config, **{name: value})


def _parse(text: str, kind: Any, setting: str) -> Any:
    options = get_args(kind)
    if get_origin(kind) is Literal:
        if text not in options:
            raise InputError(f"--set {setting}: '{text}' is not one of {', '.join(options)}")
        return text
    if NoneType in options and text.lower() == "none":
        return None
    kind = next((option for option in options if option is not NoneType), kind)
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError):
        raise InputError(f"--set {setting}: '{text}' is no {kind.__name__}") from None


def _check_range(name: str, value: Any, setting: str) -> None:
    """Refuse numbers that no option can mean: counts below 1, dropout of everything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if not math.isfinite(value):
        raise InputError(f"--set {setting}: it must be finite")
    if name in _BELOW_ONE and not 0 <= value < 1:
        raise InputError(f"--set {setting}: it must be at least 0 and below 1")
    if name in ("tau", "att_tau", "lr") and value <= 0:
        raise InputError(f"--set {setting}: it must be above 0")
    smallest = 0 if isinstance(value, float) or name in _MAY_BE_ZERO else 1
    if value < smallest:
        raise InputError(f"--set {setting}: it must be at least {smallest}")
