"""What ``tcon demo`` shows: every step, two tables and two pictures."""

from __future__ import annotations

import time
from pathlib import Path

from ...adapt.config.grid import Grid
from ...adapt.progress.display import train_and_show
from ...cache.common.files.writing import write_output
from ...cache.common.output.console import console
from ...extract.api import extract
from ...extract.features.items import failures_of
from ...extract.lists.videos import describe, read_videos
from ...extract.machine.machine import Machine
from ...extract.progress import ExtractionDisplay
from ...extract.synthetic import World
from .steps import SNIPPETS, STEPS, accuracies, demo_runs, make_clips, missing_package, score


def run_demo(
    output: Path,
    *,
    world: World = World(),  # noqa: B008 (it is frozen)
    seeds: int = 3,
    device: str = "auto",
    steps: dict[str, int] | None = None,
) -> None:
    """Make the clips of a world under ``output`` and take them through every stage.

    Ends with two tables, of the actions and of the order-only control, and two pictures. Features
    and runs that exist already are kept.

    Args:
        output: folder of everything.
        world: what the clips are like.
        seeds: per method.
        device: that computes.
        steps: of each task's runs, by the name of its csv; None for `STEPS`.

    Raises:
        InputError: ``output`` holds the demo of another world or is unwritable, or packages of
            the demo are missing.
    """
    try:
        from .pictures import accuracy_picture, frames_picture
    except ImportError as error:
        raise missing_package(error) from None
    started = time.monotonic()
    console().rule("1/4 synthetic clips of two domains")
    with console().status("drawing and encoding") as status:
        made = make_clips(
            output,
            world=world,
            on_progress=lambda done, total: status.update(f"drawing and encoding {done}/{total}"),
        )
    console().print(f"{made.count} clips in {made.folder}")

    console().rule("2/4 tcon extract")
    for name, videos in made.domains.items():
        path, machine, items = output / f"{name}.h5", Machine(device=device), read_videos(videos)
        console().print(f"{describe(items)}.")
        display = ExtractionDisplay(path)
        with display.showing():
            file = extract(items, path, snippets=SNIPPETS, machine=machine, on_event=display)
        display.print(display.summary(file, failures_of(items, file.failures)))

    console().rule("3/4 tcon adapt")
    grids = [
        Grid(
            source=output / "source.h5",
            target=output / "target.h5",
            runs=tuple(members),
            output=output / "runs" / task.stem / stage,
            task=task,
        )
        for task in made.tasks.values()
        for stage, members in demo_runs(seeds=seeds, steps=(steps or STEPS)[task.stem]).items()
    ]
    train_and_show(grids, device=device)
    scored = {title: score(output / "runs" / task.stem) for title, task in made.tasks.items()}

    console().rule("4/4 tcon eval")
    knobs = ", ".join(f"{name} = {value:g}" for name, value in world.turned.items())
    for title, result in scored.items():
        console().print(f"\n{title}", style="bold")
        console().print(result.to_markdown())
        result.to_csv(output / f"{made.tasks[title].stem}.csv")
    for picture in (
        frames_picture(made.one_per_class, list(made.domains)),
        accuracy_picture(
            {title: accuracies(result) for title, result in scored.items()}, world=knobs
        ),
    ):
        write_output(output / f"{picture.name}.png", picture.encode("png"))
    console().print(
        "\nas_extracted: features as they are; standardised: each domain by its own unlabelled "
        "statistics."
    )
    if knobs:
        console().print(f"Clips of another world than the default: {knobs}.")
    console().print(
        "The control's two classes show the same poses in another order. A method that pools "
        "segments cannot tell them apart: its accuracy should be near 50 %, as far as so few test "
        "clips can show."
    )
    console().print(
        f"Done in {time.monotonic() - started:.0f} s. Look at {output / 'frames.png'} (both "
        f"domains), {output / 'accuracy.png'} (result) and {output / 'runs'}."
    )
