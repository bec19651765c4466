"""The command of this room: ``tcon inspect``.

Heavy packages are imported inside the commands, so that ``tcon --help`` is quick.
"""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def inspect(file: Path) -> None:
    """Show what a feature FILE holds: videos, modalities, recipes, failures."""
    from .common.output.console import console
    from .inspect import summarise, tables
    from .reader import FeatureFile

    console().print(*tables(summarise(FeatureFile(file))), sep="\n")
