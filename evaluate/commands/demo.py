"""``tcon demo``: the whole pipeline on synthetic clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...cache.common.records import InvalidField
from ...cache.errors import InputError
from ...extract.synthetic import World


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
    "--misalign",
    type=float,
    default=World.misalign,
    show_default=True,
    help="Where in the target's clips the action happens: 0 as early as in the source, 1 late.",
)
@click.option(
    "--appearance",
    type=float,
    default=World.appearance,
    show_default=True,
    help="How different the target looks: 0 as the source, 1 most.",
)
@click.option(
    "--key-share",
    type=float,
    default=World.key_share,
    show_default=True,
    help="Share of a clip that shows its action.",
)
@click.option(
    "--bias",
    type=float,
    default=World.bias,
    show_default=True,
    help="Share of the source's clips whose background tells their class.",
)
@click.option(
    "--classes",
    type=int,
    default=World.classes,
    show_default=True,
    help="Actions, 2 to 8, besides the control's two.",
)
@click.option(
    "--clips", type=int, default=World.clips, show_default=True, help="About how many in all."
)
@click.option("--clips-seed", type=int, default=World.seed, show_default=True, help="Draws clips.")
@click.option(
    "--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Runs per method."
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:0 ...")
def demo(output: Path, clips_seed: int, seeds: int, device: str, **knobs: Any) -> None:
    """Make synthetic clips of two domains, extract, adapt and evaluate: the whole pipeline."""
    from ..demo.show import run_demo

    try:
        world = World(seed=clips_seed, **knobs)
    except InvalidField as error:
        option = "clips-seed" if error.field == "seed" else error.field.replace("_", "-")
        raise InputError(f"--{option} {error.problem}") from None
    run_demo(output, world=world, seeds=seeds, device=device)
