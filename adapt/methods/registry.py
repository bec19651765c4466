"""Find a method by name."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ...cache.common.machine.memory import out_of_memory
from ...cache.common.plugins import PluginRecord, current_plugin, plugin_of
from ...cache.common.records import from_json, to_json
from ...cache.errors import InputError, unknown
from .base import Method, MethodConfig, Sizes

Presets = Mapping[str, tuple[str, ...]]
_NAME = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*\+?")
# First words of other settings, and the name of several methods (config/recommended.py).
_RESERVED = ("train", "e2e", "recommended")


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
        InputError: tcon itself has a method of this name, the name is none that a folder and
            ``--set`` can have, the class is no `Method`, or a run cannot record the options.
    """

    def add(method: type[Method]) -> type[Method]:
        if name in _BUILT_IN:
            raise InputError(f"there is a method {name} already: choose another name")
        if _BUILT_IN:  # tcon's own are tested
            _check(name, config, method)
        # A plug-in may be the first to import tcon's own methods, which are not its.
        plugin = current_plugin() if _BUILT_IN else None
        _REGISTRY[name] = Entry(method, config, presets or {}, title or name, note, plugin)
        return method

    return add


def _check(name: str, config: MethodConfig, method: type[Method]) -> None:
    """Refuse what could not be trained, recorded and read back."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _RESERVED:
        raise InputError(
            f"a method cannot be called {name!r}: use small letters, digits, - and _, and none of "
            f"{', '.join(_RESERVED)}"
        )
    if not isinstance(method, type) or not issubclass(method, Method):
        raise InputError(
            f"the method {name} must be a class derived from tcon.adapt.methods.Method"
        )
    if not isinstance(config, MethodConfig):
        raise InputError(
            f"the options of the method {name} must be a MethodConfig or derived from it"
        )
    try:
        with warnings.catch_warnings():  # of what is refused below
            warnings.simplefilter("ignore")
            same = from_json(type(config), to_json(config)) == config
        hash(config)
    except Exception as error:  # whatever pydantic says of fields of the user's own
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"a run cannot record the options of the method {name}: {reason}"
        ) from None
    if not same:
        raise InputError(
            f"a run cannot record the options of the method {name}: they are read back as others"
        )


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
        raise unknown("method", name, sorted(_REGISTRY))
    found = _REGISTRY[name]
    return replace(found, plugin=found.plugin or plugin_of(found.method.__module__))


def is_built_in(name: str) -> bool:
    """Whether a method is tcon's own."""
    return name in _BUILT_IN


def known_elsewhere(name: str) -> bool:
    """Whether another process knows the method too: it is tcon's own or comes from a plug-in."""
    return is_built_in(name) or entry(name).plugin is not None


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
    """A method with freshly initialised networks.

    Raises:
        InputError: no such method, or its networks are larger than the memory.
    """
    try:
        return entry(name).method(config, sizes)
    except (RuntimeError, TypeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise InputError(
            f"the networks of {name} do not fit into the memory: lower its widths"
        ) from None
