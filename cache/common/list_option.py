"""Options that take a list: separated by commas, given several times, or both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def list_option(*names: str, **settings: Any) -> Callable[[Any], Any]:
    """A `click.option` whose values add up to one text with commas; None where it is not given.

    Args:
        names, settings: as of `click.option`.
    """
    return click.option(*names, multiple=True, callback=_join, **settings)


def _join(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> str | None:
    return ",".join(given) if given else None
