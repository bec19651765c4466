"""Adaptation for people: what starts, one table of all runs, what failed and what looks wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from ..cache import FeatureFile, InputError
from ..cache.device import choose_device
from .config.plans import Plan
from .config.runs import RunConfig
from .dry_run import show_runs
from .end_to_end.decoding import Decoding
from .grid import Grid, Prepared, State, prepare, run_all
from .live import Board
from .methods import FittedMethod, entry
from .run_folder import HEALTH, RunFolder
from .tasks.task import VERIFIED
from .training.health import by_kind
from .training.processes import Processes
from .training.tensorboard import Write, tensorboard_writer


def adapt_with_progress(
    source: Path,
    target: Path,
    runs: Sequence[RunConfig],
    *,
    output: Path,
    task: str | Path | None = None,
    device: str = "auto",
) -> int:
    """`adapt_grids` for one grid."""
    grid = Grid(source=source, target=target, runs=tuple(runs), output=output, task=task)
    return adapt_grids([grid], device=device)


def adapt_plan(plan: Plan, *, dry_run: bool = False, **options: object) -> int:
    """`adapt_grids` for the grids of a plan whose feature files are there; names the others.

    Returns:
        how many runs failed and grids were left out.
    """
    console = _console()
    missing = {grid: why for grid in plan.grids if (why := plan.missing(grid))}
    ready = [grid for grid in plan.grids if grid not in missing]
    if dry_run:
        show_runs(plan.grids, check=ready, decoding=options.get("decoding", Decoding()))
    failures = adapt_grids(ready, **options) if ready and not dry_run else 0
    for grid, why in missing.items():
        console.print(f"Left out {grid.output}: {why}", style="yellow")
    return 0 if dry_run else failures + len(missing)


def adapt_grids(
    grids: Sequence[Grid],
    *,
    device: str = "auto",
    tensorboard: bool = False,
    decoding: Decoding = Decoding(),  # noqa: B008  (it never changes)
) -> int:
    """Train grids one after another, under one table.

    Args:
        grids: at least one.
        device: "auto", "cpu", "cuda", ...
        tensorboard: write the metrics for it too.
        decoding: of clips, end to end.

    Returns:
        how many runs failed, and videos of lists that cannot be read; a grid of several that cannot
        be prepared counts as its runs.

    Raises:
        InputError: the only grid cannot be prepared.
    """
    console, write = _console(), tensorboard_writer() if tensorboard else None
    labels, several = _labels(grids), len(grids) > 1
    every = any(grid.end_to_end for grid in grids)
    board, why_failed = Board(list(labels.values()), console, every=every), {}
    unreadable: dict[str, str] = {}
    with board:
        for grid in grids:
            try:
                with_files = _with_files(grid, device, decoding)
                unreadable |= _unreadable(grid, with_files)
                prepared = _prepare(with_files, device, decoding)
            except InputError as error:
                if not several:
                    raise
                for run in grid.runs:
                    label = labels[grid.output / run.name]
                    board.set_state(label, "failed", str(error))
                    why_failed[label] = str(error)
                continue
            _describe(prepared, console)
            why_failed |= _run(prepared, board, labels, write)
    _summarise(grids, labels, board, why_failed, console)
    _list(f"video{'s' * (len(unreadable) != 1)} cannot be read, left out", unreadable, console)
    return len(why_failed) + len(unreadable)


def _labels(grids: Sequence[Grid]) -> dict[Path, str]:
    """As short a name of every run's folder as tells them apart."""
    folders = [grid.output / run.name for grid in grids for run in grid.runs]
    for parts in (1, 2):
        labels = {folder: str(Path(*folder.parts[-parts:])) for folder in folders}
        if len(set(labels.values())) == len(folders):
            return labels
    return {folder: str(folder) for folder in folders}


def _with_files(grid: Grid, device: str, decoding: Decoding) -> Grid:
    """End to end, lists of videos will do in the place of feature files."""
    if not grid.end_to_end:
        return grid
    from .end_to_end.lists import videos_file  # the cached mode must not need decoders

    processes = Processes.join(choose_device(device))
    source, target = (
        videos_file(path, processes, workers=decoding.workers)
        for path in (grid.source, grid.target)
    )
    if source == target and grid.source.resolve() != grid.target.resolve():
        raise InputError(
            f"{grid.source} and {grid.target} name the same videos: name another target, or one "
            "of them twice if that is meant"
        )
    return replace(grid, source=source, target=target)


def _unreadable(grid: Grid, with_files: Grid) -> dict[str, str]:
    """Why, by the videos of its lists that cannot be read."""
    files = zip((grid.source, grid.target), (with_files.source, with_files.target), strict=True)
    return {
        f"{listed}: {failure.video}": failure.reason
        for listed, file in files
        if listed != file
        for failure in FeatureFile(file).failures
    }


def _prepare(grid: Grid, device: str, decoding: Decoding) -> Prepared:
    return prepare(
        grid.source,
        grid.target,
        grid.runs,
        grid.output,
        task=grid.task,
        device=device,
        oracle=grid.oracle,
        decoding=decoding,
    )


def _run(
    prepared: Prepared, board: Board, labels: dict[Path, str], write: Write | None
) -> dict[str, str]:
    """`run_all` shown on the board; returns why runs failed."""
    current, why_failed = prepared.runs[0][1], {}

    def on_state(folder: RunFolder, state: State, why: str) -> None:
        nonlocal current
        current, label = folder, labels[folder.path]
        board.set_state(label, state, why)
        if state == "failed":
            why_failed[label] = why

    def on_step(step: int, steps: int) -> None:
        board.stepped(labels[current.path], step, steps)

    def on_evaluation(step: int, steps: int, record: dict[str, float]) -> None:
        board.evaluated(labels[current.path], step, steps, record)
        if write and prepared.store.processes.rank == 0:
            write(current.path, step, record)

    run_all(prepared, on_state=on_state, on_step=on_step, on_evaluation=on_evaluation)
    return why_failed


def _describe(prepared: Prepared, console: Console) -> None:
    """What was understood: videos, steps, and warnings."""
    runs = [run for run, _ in prepared.runs]
    for way in dict.fromkeys((run.train.holdout, run.train.target_pool) for run in runs):
        run = next(r for r in runs if (r.train.holdout, r.train.target_pool) == way)
        domains = prepared.store.chosen(run)
        validate = f", {len(domains.source_val)} validate" if domains.source_val else ""
        console.print(
            f"{domains.task.name}: {len(domains.task.classes)} classes; source "
            f"{len(domains.source_train)} train{validate}; target {len(domains.target_train)} "
            f"adapted on, {len(domains.target_test)} tested ({domains.protocol}); "
            f"{prepared.device}"
        )
    task = prepared.store.task
    said: dict[str, None] = {}
    if task.status not in ("", VERIFIED):
        said[f"Classes of {task.name}: {task.status}."] = None
    for run in runs:
        if note := entry(run.method).note:
            said[f"{entry(run.method).title}: {note}."] = None
        videos = len(prepared.store.chosen(run).source_train)
        if issubclass(entry(run.method).method, FittedMethod):
            said[f"{run.method} starts from source_only, which is trained for it."] = None
        else:
            said[_steps(run, videos)] = None
    said |= {text: None for run in runs for text in prepared.store.notes(run)}
    warnings = {text: None for run in runs for text in prepared.store.warnings(run)}
    for text in said:
        console.print(text)
    for text in warnings:
        console.print(f"Warning: {text}", style="yellow")


def _steps(run: RunConfig, videos: int) -> str:
    train = run.train
    epochs, per_epoch = train.epochs, train.steps_per_epoch(videos)
    by_epochs = f"{epochs} epoch{'s' if epochs > 1 else ''} of {per_epoch}"
    if train.steps(videos) > epochs * per_epoch:
        by_epochs = f"train.min_steps; {by_epochs} would be {epochs * per_epoch}"
    return f"Each run has {train.steps(videos)} steps ({by_epochs})."


def _summarise(
    grids: Sequence[Grid],
    labels: dict[Path, str],
    board: Board,
    why_failed: dict[str, str],
    console: Console,
) -> None:
    """Unhealthy, unfinished and failed runs, and what to do next."""
    found = [
        (label, finding)
        for folder, label in labels.items()
        if (folder / HEALTH).exists()
        for finding in json.loads((folder / HEALTH).read_text())
    ]
    for (first, *others), finding in by_kind(found):
        more = f" and {len(others)} more" if others else ""
        console.print(
            f"Look at {first}{more}: {finding['text']}. Try: {finding['remedy']}.", style="yellow"
        )
    elsewhere = sum(row.state == "elsewhere" for row in board.rows.values())
    if elsewhere:
        console.print(f"{elsewhere} runs are trained by another process.")
    _list(f"of {len(labels)} runs failed", why_failed, console)
    outputs = " ".join(dict.fromkeys(str(grid.output) for grid in grids))
    finished = sum(row.state.startswith("finished") for row in board.rows.values())
    following = f" Next: tcon eval {outputs}" if finished else ""
    runs = f"run{'s' * (len(labels) != 1)}"
    console.print(f"{finished} of {len(labels)} {runs} finished in {outputs}.{following}")


def _list(what: str, whys: dict[str, str], console: Console) -> None:
    """Name what failed, and why."""
    if whys:
        console.print(f"{len(whys)} {what}:", style="red")
        for name, why in whys.items():
            console.print(f"  {name}: {why}")


def _console() -> Console:
    others = os.environ.get("RANK", "0") != "0"  # of the processes that torchrun has started
    return Console(soft_wrap=True, highlight=False, markup=False, quiet=others)
