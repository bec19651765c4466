"""Libraries that are installed by extras and imported where they are used."""

from __future__ import annotations

import importlib
from typing import Any

from ....cache.errors import InputError


def require(package: str, *, extra: str, name: str) -> Any:
    """Import an optional package.

    Args:
        package: its name.
        extra: of tcon that installs it.
        name: of the backbone that needs it.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise InputError(
            f"the backbone {name} needs {package} ({error}): pip install 'tcon[{extra}]'"
        ) from None
