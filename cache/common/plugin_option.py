"""The option that loads methods and backbones of the user's own, for every command that has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def plugin_option(help: str) -> Callable[[Any], Any]:
    """``--plugin``, which may be repeated; what it names is loaded before the command runs."""
    return click.option(
        "--plugin",
        metavar="FILE.py|MODULE",
        multiple=True,
        callback=_load_plugins,
        expose_value=False,
        help=help,
    )


def _load_plugins(
    _context: click.Context, _option: click.Parameter, names: tuple[str, ...]
) -> None:
    from .plugins import load_plugin

    for name in names:
        load_plugin(name)
