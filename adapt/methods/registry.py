"""Find a method by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ...cache.common.plugins import PluginRecord, current_plugin, plugin_of
from ...cache.errors import InputError, unknown
from .base import Method, MethodConfig, Sizes

Presets = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Entry:
    """A registered method.

    Args:
        method: its class.
        config: its options, with every default.
        presets: named ``key=value`` settings, keys being ``train.*`` or the method's own without
            its name; ``official`` are its authors'.
        title: its name for people.
        note: what must be said wherever its numbers are printed; "" for nothing.
        plugin: the user's own module that registered it; None for this package.
    """

    method: type[Method]
    config: MethodConfig
    presets: Presets
    title: str
    note: str = ""
    plugin: PluginRecord | None = None


_REGISTRY: dict[str, Entry] = {}
_BUILT_IN: set[str] = set()


def register(
    name: str,
    config: MethodConfig,
    *,
    presets: Presets | None = None,
    title: str = "",
    note: str = "",
) -> Callable[[type[Method]], type[Method]]:
    """Class decorator: make a method known under ``name``. A class may have several names, each
    with other options. ``presets``, ``title`` (else the name) and ``note`` as in `Entry`.

    Raises:
        InputError: tcon itself has a method of this name.
    """

    def add(method: type[Method]) -> type[Method]:
        if name in _BUILT_IN:
            raise InputError(f"there is a method {name} already: choose another name")
        plugin = current_plugin()
        _REGISTRY[name] = Entry(method, config, presets or {}, title or name, note, plugin)
        return method

    return add


def protect_built_in() -> None:
    """Keep what is registered by now, the methods of tcon itself, from being replaced."""
    _BUILT_IN.update(_REGISTRY)


def names() -> list[str]:
    """Registered methods."""
    return list(_REGISTRY)


def entry(name: str) -> Entry:
    """What is registered under a name.

    Raises:
        InputError: no such method; the message names the nearest.
    """
    if name not in _REGISTRY:
        raise unknown("method", name, _REGISTRY)
    found = _REGISTRY[name]
    return replace(found, plugin=found.plugin or plugin_of(found.method.__module__))


@contextmanager
def temporary_methods() -> Iterator[None]:
    """Forget at the end of the block what is registered in it, for tests and notebooks."""
    before = dict(_REGISTRY)
    try:
        yield
    finally:
        _REGISTRY.clear()
        _REGISTRY.update(before)


def build(name: str, config: MethodConfig, sizes: Sizes) -> Method:
    """A method with freshly initialised networks."""
    return entry(name).method(config, sizes)
