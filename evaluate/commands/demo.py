"""``tcon demo``: the whole pipeline on synthetic clips."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="demo",
    show_default=True,
    help="Folder of everything.",
)
@click.option(
    "--clips", type=click.IntRange(min=1), default=224, show_default=True, help="About how many."
)
@click.option(
    "--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Runs per method."
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:0 ...")
def demo(output: Path, clips: int, seeds: int, device: str) -> None:
    """Make synthetic clips of two domains, extract, adapt and evaluate: the whole pipeline."""
    from ..demo.show import run_demo

    run_demo(output, clips=clips, seeds=seeds, device=device)
