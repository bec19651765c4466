"""Extraction with a progress bar and a summary for people."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from ..cache import Failure
from .lists import VideoItem
from .pipeline import ExtractConfig, Progress, extract

_SHOWN_FAILURES = 10


def extract_with_progress(
    items: Sequence[VideoItem], output: Path, config: ExtractConfig
) -> list[Failure]:
    """`extract` with a live bar; prints rates, what failed and what to do next."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("videos"), TimeRemainingColumn())
    last = Progress(0, 0, 0, 0, 0)
    started = time.monotonic()
    with Bar(*columns, TextColumn("{task.fields[rates]}"), console=console) as bar:
        row = bar.add_task("extract", total=None, rates="loading the backbone")

        def show(progress: Progress) -> None:
            nonlocal last, started
            if last.todo == 0:
                started = time.monotonic()  # the backbone is loaded by now
            last = progress
            done = progress.done + progress.failed
            bar.update(row, total=progress.todo, completed=done, rates=_rates(progress, started))

        failures = extract(items, output, config, on_progress=show)
    if last.before:
        console.print(f"{last.before} videos were in the file before.")
    console.print(f"{last.done} videos extracted to {output} ({_rates(last, started)}).")
    if failures:
        console.print(f"{len(failures)} failed:", style="yellow")
        for failure in failures[:_SHOWN_FAILURES]:
            console.print(f"  {failure.video}: {failure.reason} ({failure.stage})")
        if len(failures) > _SHOWN_FAILURES:
            console.print(f"  and {len(failures) - _SHOWN_FAILURES} more: tcon inspect {output}")
        console.print("Mend them and run again with --retry-failed.")
    return failures


def _rates(progress: Progress, started: float) -> str:
    seconds = max(time.monotonic() - started, 1e-3)
    return f"{progress.done / seconds:.1f} videos/s, {progress.images / seconds:.0f} frames/s"
