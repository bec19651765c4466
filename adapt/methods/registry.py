"""Find a method by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from ...cache import InputError
from .base import Method, MethodConfig, Sizes

_REGISTRY: dict[str, tuple[type[Method], type[MethodConfig]]] = {}


def register(name: str, config: type[MethodConfig]) -> Callable[[type[Method]], type[Method]]:
    """Class decorator: make a method known under ``name``, with its configuration's type."""

    def add(method: type[Method]) -> type[Method]:
        _REGISTRY[name] = (method, config)
        return method

    return add


def names() -> list[str]:
    """Registered methods."""
    return list(_REGISTRY)


def default_config(name: str) -> MethodConfig:
    """A method's configuration with every default.

    Raises:
        InputError: no such method; the message names the nearest.
    """
    if name not in _REGISTRY:
        near = difflib.get_close_matches(name, _REGISTRY, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_REGISTRY)}"
        raise InputError(f"no method '{name}': {hint}")
    return _REGISTRY[name][1]()


def build(name: str, config: MethodConfig, sizes: Sizes) -> Method:
    """A method with freshly initialised networks."""
    return _REGISTRY[name][0](config, sizes)
