"""The option that loads methods and backbones of the user's own."""

from __future__ import annotations

import click


def _load_plugins(
    _context: click.Context, _option: click.Parameter, names: tuple[str, ...]
) -> None:
    """Load plug-ins before the command runs."""
    from ...cache.common.plugins import load_plugin

    for name in names:
        load_plugin(name)


plugin_option = click.option(
    "--plugin",
    metavar="FILE.py|MODULE",
    multiple=True,
    callback=_load_plugins,
    expose_value=False,
    help="Run this code of yours, which registers the run's method or backbone; may be repeated.",
)
