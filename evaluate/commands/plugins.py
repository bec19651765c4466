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
    help="Load the run's own method or backbone from there, if it has moved; may be repeated.",
)
