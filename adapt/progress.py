"""Adaptation with a live line per run and a summary for people."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from .config import RunConfig
from .grid import prepare, repeating_videos, run_all
from .methods import entry
from .run_folder import RunFolder

_SHORT_NAMES = {
    "loss": "loss",
    "source_class": "source",
    "pseudo_class": "pseudo",
    "attention": "attention",
    "video_domain": "D video",
    "segment_domain": "D segment",
    "video_disc_accuracy": "acc D video",
    "segment_disc_accuracy": "acc D segment",
    "pseudo_rate": "pseudo-labelled",
}


def adapt_with_progress(
    source: Path, target: Path, runs: Sequence[RunConfig], *, output: Path, **options: Any
) -> None:
    """`prepare` and `run_all` with a live bar; says what was used and where the runs lie."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    prepared = prepare(source, target, runs, output, **options)
    domains = prepared.domains
    console.print(
        f"{domains.task.name}: {len(domains.task.classes)} classes; source "
        f"{len(domains.source_train)} train; target {len(domains.target_train)} adapted on, "
        f"{len(domains.target_test)} tested ({domains.protocol}); {prepared.device}"
    )
    for method in map(entry, dict.fromkeys(run.method for run in runs)):
        if method.note:
            console.print(f"{method.label}: {method.note}.")
    segments = max(run.segments for run in runs)
    if short := repeating_videos(domains, segments):
        console.print(
            f"Warning: {short} videos have fewer snippets than {segments} segments; some of their "
            "snippets repeat.",
            style="yellow",
        )
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn())
    with Bar(
        *columns, TimeRemainingColumn(), TextColumn("{task.fields[terms]}"), console=console
    ) as bar:
        row = bar.add_task("", terms="")
        started, current = time.monotonic(), ""

        def start(run: RunConfig, folder: RunFolder) -> None:
            nonlocal started, current
            started, current = time.monotonic(), run.name
            if folder.finished:
                bar.console.print(f"{run.name}: finished before")
            steps = run.train.steps(len(domains.source_train))
            bar.reset(row, description=run.name, total=steps, terms="")

        def evaluated(step: int, steps: int, record: dict[str, float]) -> None:
            bar.update(row, completed=step, terms=_terms(record))
            if step == steps:
                seconds = time.monotonic() - started
                bar.console.print(f"{current}: {steps} steps in {seconds:.0f} s; {_terms(record)}")

        run_all(prepared, on_start=start, on_evaluation=evaluated)
        bar.update(row, visible=False)
    console.print(f"{len(prepared.runs)} runs in {output}. Next: tcon eval {output}")


def _terms(record: dict[str, float]) -> str:
    return ", ".join(
        f"{short} {record[name]:.3g}" for name, short in _SHORT_NAMES.items() if name in record
    )
