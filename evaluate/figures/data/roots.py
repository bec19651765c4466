"""Where videos are that have moved since their features were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from ....adapt.run.data_record import Domain
from ....cache import InputError

Roots = Mapping[Domain, Path]


def parse_roots(texts: Sequence[str]) -> Roots:
    """``DIR`` for both domains, or ``source=DIR`` and ``target=DIR``.

    Raises:
        InputError: there is no such folder, or a domain has two.
    """
    roots: dict[Domain, Path] = {}
    for text in texts:
        name, _, folder = text.partition("=")
        both = name not in get_args(Domain)
        if not (text if both else folder):
            raise InputError(f"the root {text!r} names no folder: write DIR or source=DIR")
        path = Path(text if both else folder)
        if not path.is_dir():
            raise InputError(f"the root {text}: there is no folder {path}")
        for domain in get_args(Domain) if both else (name,):
            if domain in roots:
                raise InputError(
                    f"the roots name two folders for the {domain}: give source=DIR and target=DIR"
                )
            roots[domain] = path
    return roots
