"""Names that a package offers and imports only when they are asked for (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package, so that ``tcon --help`` waits for nothing heavy.

    Type checkers see the names by imports under ``if TYPE_CHECKING``.

    Args:
        package: its ``__name__``.
        homes: by name, the module below the package that defines it, e.g. ``machine.machine``.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return load
