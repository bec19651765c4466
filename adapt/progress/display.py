"""Shows the training of grids: what starts, one table of all runs, what failed, what to look at."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ...cache.common.counts import counted
from ...cache.common.output.console import console
from ...cache.errors import InputError, visible
from ..api import train_grids, train_plan
from ..config.grid import Grid
from ..config.options import RunConfig
from ..config.plans import Plan
from ..events import (
    CountingVideos,
    Evaluated,
    Event,
    GridReady,
    JobsPlanned,
    Noted,
    RunChanged,
    StepDone,
)
from ..run.finished import Runs
from ..run.read import read_health
from ..training.health import Finding, by_kind
from ..training.tensorboard import TensorBoard
from .board import Board


class Display:
    """Shows every event of `train_grids`. Use it as a context manager around the training.

    Args:
        grids: that are trained.
        tensorboard: gets the metrics too.
    """

    def __init__(self, grids: Sequence[Grid], *, tensorboard: TensorBoard | None = None) -> None:
        self.grids, self.labels, self._tensorboard = grids, labels_of(grids), tensorboard
        self.console = run_console()
        end_to_end = any(grid.end_to_end for grid in grids)
        kinds = {
            self.labels[grid.output / run.name]: kind_of(run) for grid in grids for run in grid.runs
        }
        self.board = Board(kinds, self.console, verbose=end_to_end)

    def __enter__(self) -> Display:
        self.board.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.board.__exit__(*error)

    def show(self, event: Event) -> None:
        """Show what happens."""
        board = self.board
        match event:
            case CountingVideos(listed, progress):
                known = progress.done + progress.failed
                board.caption = f"{listed}: {known} of {counted(progress.todo, 'video')} counted"
                if known == progress.todo:
                    board.caption = ""
                    if known:
                        videos = counted(known, "video")
                        self.console.print(f"{listed}: {videos} decoded and counted.")
            case JobsPlanned(jobs):
                board.time_left.at_once = jobs.processes
                for text in jobs.notes:
                    self.console.print(text)
                if any(not grid.end_to_end for grid in self.grids):
                    board.caption = "reading features"
            case GridReady(grid, briefing):
                board.caption = ""
                where = f"{grid.output}: " if len(self.grids) > 1 else ""
                for text in briefing.notes:
                    self.console.print(where + text)
                for text in briefing.warnings:
                    self.console.print(f"{where}Warning: {text}", style="yellow")
                for name, steps in briefing.steps.items():
                    board.expect(self.labels[grid.output / name], steps)
            case RunChanged(folder, state, why):
                board.set_state(self.labels[folder], state, why)
                if self._tensorboard and state != "running":
                    self._tensorboard.close(folder)
            case Noted(text):
                self.console.print(text)
            case StepDone(folder, step, steps):
                board.stepped(self.labels[folder], step, steps)
            case Evaluated(folder, step, steps, metrics):
                board.evaluated(self.labels[folder], step, steps, metrics)
                if self._tensorboard and not self.console.quiet:
                    self._tensorboard.write(folder, step, metrics)

    def summarise(self, runs: Runs) -> None:
        """Show unhealthy, unfinished and failed runs, and what to do next."""
        console, labels = self.console, self.labels
        for text in unhealthy(labels):
            console.print(text, style="yellow")
        if runs.elsewhere:
            others = counted(len(runs.elsewhere), "run")
            are = "is" if len(runs.elsewhere) == 1 else "are"
            console.print(f"{others} {are} trained by another process.")
        why = {labels[run.path]: run.why for run in runs.failed}
        self._list(f"of {counted(len(labels), 'run')} failed", why)
        outputs = " ".join(dict.fromkeys(str(grid.output) for grid in self.grids))
        choice = " --select method" if any(grid.recommended for grid in self.grids) else ""
        following = f" Next: tcon eval {outputs}{choice}" if len(runs) else ""
        total = counted(len(labels), "run")
        console.print(f"{len(runs)} of {total} finished in {outputs}.{following}")
        unreadable = f"video{'s' * (len(runs.unreadable) != 1)} cannot be read, left out"
        self._list(unreadable, runs.unreadable)
        if runs.unreadable:
            console.print("Fix them: the same command tries them again.")

    def _list(self, what: str, whys: Mapping[str, str]) -> None:
        """Name what failed, and why."""
        if whys:
            self.console.print(f"{len(whys)} {what}:", style="red")
            for name, why in whys.items():
                self.console.print(visible(f"  {name}: {why}"))


def train_and_show(
    grids: Sequence[Grid], *, plan: Plan | None = None, tensorboard: bool = False, **options: Any
) -> Runs:
    """`train_grids`, or `train_plan` of a plan that has these grids, shown while it goes on.

    Args:
        grids: those whose feature files are there.
        plan: that has them, and perhaps more.
        tensorboard: write the metrics for it too.
        options: those of `train_grids`.
    """
    with Display(grids, tensorboard=TensorBoard() if tensorboard else None) as display:
        if plan is None:
            runs = train_grids(grids, on_event=display.show, **options)
        else:
            runs = train_plan(plan, on_event=display.show, **options)
    if grids:
        display.summarise(runs)
    show_left_out(runs.left_out)
    return runs


def show_left_out(left_out: Mapping[Path, str]) -> None:
    """Name the grids of a plan whose feature files are not there."""
    for output, why in left_out.items():
        run_console().print(f"Left out {output}: {why}", style="yellow")


def labels_of(grids: Sequence[Grid]) -> dict[Path, str]:
    """As short a name of every run's folder as tells them apart."""
    folders = [grid.output / run.name for grid in grids for run in grid.runs]
    for parts in range(1, max((len(folder.parts) for folder in folders), default=1)):
        labels = {folder: str(Path(*folder.parts[-parts:])) for folder in folders}
        if len(set(labels.values())) == len(folders):
            return labels
    return {folder: str(folder) for folder in folders}


def kind_of(run: RunConfig) -> Hashable:
    """What decides how long a step takes, as far as it can be known without the data."""
    train = run.train
    sizes = run.segments, train.batch_size, train.target_batch, train.precision
    return run.method, run.options, run.end_to_end, *sizes


def unhealthy(labels: Mapping[Path, str]) -> list[str]:
    """What looks wrong in runs, a sentence for each kind, and whose health cannot be read.

    Args:
        labels: names of the runs' folders.
    """
    found: list[tuple[str, Finding]] = []
    damaged = []
    for folder, label in labels.items():
        try:
            found += [(label, finding) for finding in read_health(folder)]
        except InputError as error:
            damaged.append(f"{error}.")
    said = []
    for (first, *others), finding in by_kind(found):
        more = f" and {len(others)} more" if others else ""
        said.append(visible(f"Look at {first}{more}: {finding.text}. Try: {finding.remedy}."))
    return said + damaged


def run_console() -> Console:
    """The shared console; a quiet one in all but the first of torchrun's processes."""
    return console() if os.environ.get("RANK", "0") == "0" else Console(quiet=True)
