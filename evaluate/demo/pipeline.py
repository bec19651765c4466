"""The whole pipeline on synthetic clips: make, extract, adapt, evaluate, draw."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from rich.console import Console

from ...adapt.config.runs import make_runs
from ...adapt.progress import adapt_with_progress
from ...cache import InputError
from ...extract.lists.videos import read_videos
from ...extract.machine.machine import Machine
from ...extract.progress import extract_with_progress
from ..runs.groups import Group, group_runs
from ..runs.read import find_runs
from ..scores.results import results_of
from ..tables.accuracy import markdown, write_csv

SEGMENTS = 8
# Shorter runs, smaller batches and discriminators than the defaults: quick on two CPU cores.
_TRAIN = ("train.epochs=1", "train.batch_size=32")
_TCON = ("tcon.pair.max_pairs=256", "tcon.disc.max_segments=256", "tcon.disc.hidden=256")
STEPS = {"task": 400, "control": 200}
# Folder of the runs, methods and settings: what the source alone gives, before the target's
# statistics and videos are used.
STAGES = (
    ("as_extracted", ("source_only",), ("train.normalise=none",)),
    ("standardised", ("source_only", "tcon"), _TCON),
)


def run_demo(output: Path, *, clips: int = 224, seeds: int = 3, device: str = "auto") -> None:
    """Make about ``clips`` clips under ``output`` and take them through every stage.

    Ends with two tables, the actions and the order-only control, and two pictures. Features and
    runs that exist already are kept.

    Raises:
        InputError: too few clips, packages of the demo that are missing, or unwritable output.
    """
    try:
        from ...extract.synthetic import write_pair
        from .pictures import draw_accuracies, draw_frames
    except ImportError as error:
        raise InputError(
            f"the demo needs the package {error.name}: pip install 'tcon[demo]'"
        ) from None
    console, started = Console(soft_wrap=True, highlight=False, markup=False), time.monotonic()
    console.rule("1/4 synthetic clips of two domains")
    with console.status("drawing and encoding") as status:
        try:
            pair = write_pair(
                output / "clips",
                clips=clips,
                progress=lambda done, total: status.update(f"drawing and encoding {done}/{total}"),
            )
        except ValueError as error:
            raise InputError(str(error)) from None
        except OSError as error:
            raise InputError(f"cannot write {output}: {error.strerror}") from None
    domains = {"source": pair.source_list, "target": pair.target_list}
    made = sum(1 for path in domains.values() for _ in read_videos(path))
    console.print(f"{made} clips in {output / 'clips'}")

    console.rule("2/4 tcon extract")
    machine = Machine(device=device)
    for name, videos in domains.items():
        extract_with_progress(
            read_videos(videos), output / f"{name}.h5", snippets=16, machine=machine
        )

    console.rule("3/4 tcon adapt")
    files = output / "source.h5", output / "target.h5"
    tasks = {"actions": pair.task, "order only (control)": pair.control}
    groups: dict[str, list[Group]] = {}
    for title, task in tasks.items():
        train = (*_TRAIN, f"train.min_steps={STEPS[task.stem]}")
        for stage, methods, settings in STAGES:
            runs = make_runs(methods, (*train, *settings), segments=SEGMENTS, seeds=seeds)
            folder = output / "runs" / task.stem / stage
            adapt_with_progress(*files, runs, output=folder, task=task, device=device)
        groups[title] = group_runs(find_runs([output / "runs" / task.stem])[0])

    console.rule("4/4 tcon eval")
    for title, scored in groups.items():
        console.print(f"\n{title}", style="bold")
        results = results_of(scored)
        print(markdown(results))
        write_csv(results, output / f"{tasks[title].stem}.csv")
    chance = {title: 1 / len(scored[0].first.classes) for title, scored in groups.items()}
    draw_frames(_one_clip_per_class(domains), list(domains), output / "frames.png")
    draw_accuracies(groups, output / "accuracy.png", chance=chance)
    console.print(
        "\nas_extracted: features as they are; standardised: each domain by its own unlabelled "
        "statistics."
    )
    console.print(
        "The control's two classes show the same poses in another order. A method that pools "
        "segments cannot tell them apart: its accuracy should be near 50 %, as far as so few test "
        "clips can show."
    )
    console.print(
        f"Done in {time.monotonic() - started:.0f} s. Look at {output / 'frames.png'} (both "
        f"domains), {output / 'accuracy.png'} (result) and {output / 'runs'}."
    )


def _one_clip_per_class(domains: dict[str, Path]) -> dict[str, list[Path]]:
    rows: dict[str, list[Path]] = {}
    for path in domains.values():
        first: dict[str, Path] = {}
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                first.setdefault(row["label"], path.parent / row["path"])
        for label, video in first.items():
            rows.setdefault(label, []).append(video)
    return rows
