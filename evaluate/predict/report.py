"""What ``tcon predict`` prints and writes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from ...adapt.inference.features import plan_features
from ...adapt.inference.loaded_run import load_run
from ...adapt.inference.stream import Result, predict_videos
from ...adapt.inference.videos import read_items
from ...cache import Failure, InputError
from ...extract.machine.machine import Machine
from ...extract.pipeline import Progress
from .figures import PredictionFigures
from .files import CsvPredictions, JsonPredictions
from .table import PredictionTable


def predict_and_report(
    run: Path,
    videos: Sequence[Path],
    machine: Machine,
    *,
    precision: str = "auto",
    weights: Path | None = None,
    features: Path | None = None,
    root: Path | None = None,
    csv_path: Path | None = None,
    json_path: Path | None = None,
    figures: Path | None = None,
    top: int = 2,
) -> int:
    """Predict videos; print a line for each as it is done, and write what was asked for.

    Args:
        run: a run's folder.
        videos: files, folders and lists.
        machine, precision, weights, features, root: as in `predict`.
        csv_path, json_path: files that get everything.
        figures: folder that gets a PNG per video.
        top: how many classes a line shows.

    Returns:
        how many videos could not be read.

    Raises:
        InputError: no such run or videos, features that cannot be made, or no place to write.
    """
    items = read_items(videos, root=root)
    loaded = load_run(run, features=features)
    plan = plan_features(loaded, machine, weights=weights, precision=precision)
    drawing = PredictionFigures(figures) if figures else None
    table = PredictionTable([item.id for item in items], loaded.classes, top)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("videos"), TimeRemainingColumn())
    failures = 0
    with ExitStack() as stack:
        files = [
            stack.enter_context(kind(path, loaded))
            for kind, path in ((CsvPredictions, csv_path), (JsonPredictions, json_path))
            if path
        ]
        console.print(table.head)
        bar = stack.enter_context(
            Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        )
        row = bar.add_task("predict", total=len(items))

        def take(result: Result) -> None:
            nonlocal failures
            failures += isinstance(result, Failure)
            bar.console.print(table.line(result))
            for file in files:
                file.add(result)
            if drawing and not isinstance(result, Failure):
                try:
                    drawing.draw(result)
                except InputError as error:
                    bar.console.print(f"No figure of {result.video.id}: {error}")

        def show(progress: Progress) -> None:
            bar.update(row, completed=progress.done + progress.failed)

        predict_videos(loaded, items, plan, on_result=take, on_progress=show)
    if failures:
        console.print(f"{failures} of {len(items)} videos failed.", style="yellow")
    for path in filter(None, (csv_path, json_path, figures)):
        console.print(f"Wrote {path}.")
    return failures
