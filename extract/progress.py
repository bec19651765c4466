"""Extraction with a progress bar and a summary for people."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from ..cache import Failure
from ..cache.recipe import FlowRecipe
from .flow.cache import FlowCache
from .lists.videos import VideoItem, describe
from .options import ExtractConfig
from .pipeline import Progress, extract

_SHOWN_FAILURES = 10


def extract_with_progress(
    items: Sequence[VideoItem], output: Path, config: ExtractConfig
) -> list[Failure]:
    """`extract` with a live bar; prints what was understood, rates, what failed, what to do next.

    Raises:
        InputError: as `extract` does.
        KeyboardInterrupt: by Ctrl-C, with what the file holds.
    """
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"{describe(items)}.")
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("videos"), TimeRemainingColumn())
    last = Progress(0, 0)
    started = time.monotonic()
    try:
        with Bar(*columns, TextColumn("{task.fields[rates]}"), console=console) as bar:
            row = bar.add_task("extract", total=None, rates="loading the backbone")

            def show(progress: Progress) -> None:
                nonlocal last, started
                if last.todo == 0:
                    started = time.monotonic()  # the backbone is loaded by now
                    bar.update(row, visible=progress.todo > 0)
                last = progress
                done = progress.done + progress.failed
                rates = _rates(progress, started)
                bar.update(row, total=progress.todo, completed=done, rates=rates)

            failures = extract(items, output, config, on_progress=show)
    except KeyboardInterrupt:
        held = f"{output} holds {last.before + last.done} videos; " if last.todo else ""
        raise KeyboardInterrupt(f"stopped: {held}the same command continues") from None
    if last.before:
        more = f", {last.unlisted} of them not in this list" if last.unlisted else ""
        console.print(f"The file held {_videos(last.before)} before{more}.")
    if last.todo:
        done = "extracted to" if config.modalities else "decoded and counted in"
        console.print(f"{_videos(last.done)} {done} {output} ({_rates(last, started)}).")
    else:
        console.print(f"Nothing to do: {output} holds every video listed{_but(failures)}.")
    if last.damaged:
        console.print(
            f"{last.damaged} of them are damaged and were read as far as they decode: "
            f"tcon inspect {output}",
            style="yellow",
        )
    if last.early_stopped:
        console.print(
            f"Flow stopped early on {last.early_stopped} pairs of frames, scene cuts and the like: "
            f"tcon inspect {output}"
        )
    if config.keep_flow:
        _tell_kept(config.keep_flow, console)
    if failures:
        console.print(f"{len(failures)} failed:", style="yellow")
        for failure in failures[:_SHOWN_FAILURES]:
            console.print(f"  {failure.video}: {failure.reason} ({failure.stage})")
        if len(failures) > _SHOWN_FAILURES:
            console.print(f"  and {len(failures) - _SHOWN_FAILURES} more: tcon inspect {output}")
        retried = config.retry_failed is None
        console.print(
            "Mend them: the same command tries them again."
            if retried
            else "Mend them and run again with --retry-failed."
        )
    return failures


def _tell_kept(folder: Path, console: Console) -> None:
    cache = FlowCache(folder, FlowRecipe())  # nothing is read
    console.print(f"{folder} holds the flow of {_videos(cache.count)}, {cache.size / 1e9:.2f} GB.")
    if cache.full:
        console.print(
            "It is full, by --keep-flow-gb or by its disk: the flow of the other videos was "
            "computed where snippets need it, and not kept.",
            style="yellow",
        )


def _videos(count: int) -> str:
    return f"{count} video{'s' * (count != 1)}"


def _but(failures: Sequence[Failure]) -> str:
    return f" but {len(failures)} that failed before" if failures else ""


def _rates(progress: Progress, started: float) -> str:
    seconds = max(time.monotonic() - started, 1e-3)
    return f"{progress.done / seconds:.1f} videos/s, {progress.images / seconds:.0f} images/s"
