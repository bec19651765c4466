"""Names of a library's models."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from ....cache.errors import InputError, shorten


def require_model(library: str, model: str, known: Collection[str]) -> None:
    """Refuse a model that a library does not have.

    Raises:
        InputError: names the nearest; there are too many to list.
    """
    if model in known:
        return
    near = difflib.get_close_matches(model, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "tcon backbones WORD searches its models"
    raise InputError(f"no {library} model '{shorten(model)}': {hint}")
