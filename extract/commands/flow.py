"""``tcon flow``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("video", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Path without suffix.  [default: VIDEO's name.flow]",
)
@click.option(
    "--engine", default="auto", show_default=True, help="auto, cpu, cuda, torch or opencv."
)
@click.option(
    "--pairs", type=click.IntRange(min=1), default=300, show_default=True, help="At most so many."
)
@click.option(
    "--parameters",
    default="opencv",
    show_default=True,
    metavar="PRESET|KEY=VALUE,...",
    help="Parameters of TV-L1; docs/flow.md has the presets.",
)
def flow(video: Path, output: Path | None, engine: str, pairs: int, parameters: str) -> None:
    """Write the TV-L1 flow of a VIDEO as a colour video (mp4) and as numbers (npz)."""
    from ...cache.common.output.console import console
    from ..flow import parse_parameters
    from ..flow.video import video_flow, write_flow
    from ..progress import saying_that_flow_compiles

    output = output or Path(f"{video.stem}.flow")
    how = parse_parameters(parameters)
    with saying_that_flow_compiles():
        found = video_flow(video, engine=engine, parameters=how, pairs=pairs)
    write_flow(found, output)
    console().print(f"{found} Wrote {output}.mp4 and {output}.npz.")
