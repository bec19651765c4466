"""What ``tcon extract`` shows: a bar while it runs, and a summary at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.progress import TextColumn

from ..cache import FeatureFile
from ..cache.common.console import console, progress_bar
from ..cache.recipe import FlowRecipe
from ..cache.schema import Failure
from .api import extract
from .features.pipeline import Progress
from .flow.cache import FlowCache
from .lists.videos import VideoItem, describe
from .machine.machine import Machine

_SHOWN_FAILURES = 10


class ExtractionDisplay:
    """Shows an extraction: give it as ``on_event`` inside of `showing`, then ask for the `summary`.

    Args:
        output: the feature file.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        self._last = Progress(0, 0)
        self._started = time.monotonic()
        self._bar = progress_bar(TextColumn("{task.fields[rates]}"))
        self._row = self._bar.add_task("extract", total=None, rates="loading the backbone")

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Show the bar while the block runs.

        Raises:
            KeyboardInterrupt: by Ctrl-C, with what the file holds.
        """
        try:
            with self._bar:
                yield
        except KeyboardInterrupt:
            last = self._last
            held = f"{self._output} holds {last.before + last.done} videos; " if last.todo else ""
            raise KeyboardInterrupt(f"stopped: {held}the same command continues") from None

    def __call__(self, progress: Progress) -> None:
        """Move the bar."""
        if self._last.todo == 0:
            self._started = time.monotonic()  # the backbone is loaded by now
            self._bar.update(self._row, visible=progress.todo > 0)
        self._last = progress
        self._bar.update(
            self._row,
            total=progress.todo,
            completed=progress.done + progress.failed,
            rates=self._rates(),
        )

    def summary(
        self, file: FeatureFile, items: Sequence[VideoItem], *, retries_all: bool = False
    ) -> Iterator[tuple[str, str]]:
        """What was done, what failed and what to do next, as lines and their styles.

        Args:
            file: that was made.
            items: the videos that were asked for.
            retries_all: the same command takes videos that failed again.
        """
        last, output = self._last, self._output
        failures = failures_of(file, items)
        if last.before:
            more = f", {last.unlisted} of them not in this list" if last.unlisted else ""
            yield f"The file held {_videos(last.before)} before{more}.", ""
        if last.todo:
            done = "extracted to" if file.modalities else "decoded and counted in"
            yield f"{_videos(last.done)} {done} {output} ({self._rates()}).", ""
        else:
            but = f" but {len(failures)} that failed before" if failures else ""
            yield f"Nothing to do: {output} holds every video listed{but}.", ""
        if last.damaged:
            yield (
                f"{last.damaged} of them are damaged and were read as far as they decode: "
                f"tcon inspect {output}",
                "yellow",
            )
        if last.early_stopped:
            yield (
                f"Flow stopped early on {last.early_stopped} pairs of frames, scene cuts and the "
                f"like: tcon inspect {output}",
                "",
            )
        yield from _failed(failures, output, retries_all=retries_all)

    def _rates(self) -> str:
        seconds = max(time.monotonic() - self._started, 1e-3)
        last = self._last
        return f"{last.done / seconds:.1f} videos/s, {last.images / seconds:.0f} images/s"


def extract_with_progress(
    items: Sequence[VideoItem],
    output: Path,
    *,
    machine: Machine | None = None,
    retry_failed: bool | None = False,
    **options: Any,
) -> list[Failure]:
    """`extract` as the commands show it: what was understood, a live bar, a summary.

    Args:
        items: the videos.
        output: the feature file.
        machine, retry_failed, options: as of `extract`.

    Returns:
        the failures of these videos, earlier ones included.

    Raises:
        InputError: as of `extract`.
        KeyboardInterrupt: by Ctrl-C, with what the file holds.
    """
    console().print(f"{describe(items)}.")
    display = ExtractionDisplay(output)
    with display.showing():
        file = extract(
            items, output, machine=machine, retry_failed=retry_failed, on_event=display, **options
        )
    for line, style in display.summary(file, items, retries_all=retry_failed is None):
        console().print(line, style=style)
    if machine and machine.keep_flow:
        for line, style in about_kept_flow(machine.keep_flow):
            console().print(line, style=style)
    return failures_of(file, items)


def failures_of(file: FeatureFile, items: Sequence[VideoItem]) -> list[Failure]:
    """The failures of these videos, earlier ones included."""
    listed = {item.id for item in items}
    return [failure for failure in file.failures if failure.video in listed]


def about_kept_flow(folder: Path) -> Iterator[tuple[str, str]]:
    """How much a flow cache holds, and whether it is full, as lines and their styles."""
    cache = FlowCache(folder, FlowRecipe())  # nothing is read
    yield f"{folder} holds the flow of {_videos(cache.count)}, {cache.size / 1e9:.2f} GB.", ""
    if cache.full:
        yield (
            "It is full, by --keep-flow-gb or by its disk: the flow of the other videos was "
            "computed where snippets need it, and not kept.",
            "yellow",
        )


def _failed(
    failures: Sequence[Failure], output: Path, *, retries_all: bool
) -> Iterator[tuple[str, str]]:
    if not failures:
        return
    yield f"{len(failures)} failed:", "yellow"
    for failure in failures[:_SHOWN_FAILURES]:
        yield f"  {failure.video}: {failure.reason} ({failure.stage})", ""
    if len(failures) > _SHOWN_FAILURES:
        yield f"  and {len(failures) - _SHOWN_FAILURES} more: tcon inspect {output}", ""
    if retries_all:
        yield "Fix them; the same command tries them again.", ""
    else:
        yield "Fix them and run again with --retry-failed.", ""


def _videos(count: int) -> str:
    return f"{count} video{'s' * (count != 1)}"
