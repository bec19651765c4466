"""Find a method by name."""

from __future__ import annotations

from collections.abc import Callable

from ...cache.errors import unknown
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
        raise unknown("method", name, _REGISTRY)
    return _REGISTRY[name][1]()


def build(name: str, config: MethodConfig, sizes: Sizes) -> Method:
    """A method with freshly initialised networks."""
    return _REGISTRY[name][0](config, sizes)
