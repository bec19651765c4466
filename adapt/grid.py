"""Train the runs of a grid, which several processes may share."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from .. import __version__
from ..cache import InputError
from ..cache.common.plugins import plugin_errors
from ..cache.errors import printable
from .config.options import RunConfig
from .config.runs import base_of
from .data.store import Store, by_data
from .methods import FittedMethod, entry
from .run.folder import RunFolder, begun_record
from .run.record import RunRecord
from .runner import OnNote, OnState, Runner
from .settle import settle_precision
from .training.continued import continued_from
from .training.new_method import new_method
from .training.programs.loop import OnEvaluation, OnStep
from .training.programs.shape import side_by_side


@dataclass(frozen=True)
class Prepared:
    """Runs that are ready to start: wrong input has been refused by now."""

    store: Store
    runs: list[tuple[RunConfig, RunFolder]]


def prepare(
    store: Store,
    runs: Sequence[RunConfig],
    output: str | Path,
    *,
    device: torch.device | None = None,
    threads: int = 0,
    oracle: bool = False,
    continue_from: Path | None = None,
    command: Sequence[str] = (),
) -> Prepared:
    """Make a folder for each run, or find the one that it has already.

    Args:
        store: what the runs are trained on.
        runs: what to train.
        output: folder that gets one sub-folder per run.
        device: where they will be trained, if that is not where the store's features go.
        threads: that will train each; 0 for as many as this process has.
        oracle: permit methods that train on target labels.
        continue_from: a finished run, or a folder with one of each run's name, whose weights the
            runs start from.
        command: words of the command that asks for them, which the records keep.

    Raises:
        InputError: anything that would stop a run.
    """
    check_runs(runs, store, oracle=oracle)
    begun = {run.name: begun_record(Path(output) / run.name) for run in runs}
    runs = settle_precision(runs, begun, Path(output), store, device or store.device, threads)
    folders: list[tuple[RunConfig, RunFolder]] = []
    for run in by_data(runs):
        path = Path(output) / run.name
        store.resume_from(run, begun[run.name])
        record = _describe(run, runs, store, command, begun[run.name])
        if continue_from:
            start = continued_from(continue_from, record, store.chosen(run))
            record = replace(record, continued=start)
        folders.append((run, RunFolder(path, record, store.videos(run))))
    for _, folder in folders:  # none before all have been checked
        folder.make()
    return Prepared(store, folders)


def check_runs(runs: Sequence[RunConfig], store: Store, *, oracle: bool = False) -> None:
    """Refuse runs that could never be trained.

    Raises:
        InputError: target labels without ``oracle``, features, videos or labels that are not there,
            or a method that cannot be built for these sizes.
    """
    tried = set()
    for run in runs:
        if entry(run.method).method.reads_target_labels and not oracle:
            raise InputError(
                f"{run.method} trains on the target's labels, so its accuracy is an upper bound "
                "and no adaptation: permit it by --oracle (in Python: oracle=True)"
            )
        kind = (run.method, run.modality, run.segments, repr(run.options))
        if kind not in tried:
            tried.add(kind)
            domains = store.labelled(run, store.chosen(run))
            try:
                # On the meta device it takes no memory and no time.
                with plugin_errors(entry(run.method).plugin), torch.device("meta"):
                    new_method(run, domains)
            except InputError as error:
                raise InputError(f"{run.method} with segments={run.segments}: {error}") from None


def _describe(
    run: RunConfig,
    runs: Sequence[RunConfig],
    store: Store,
    command: Sequence[str],
    begun: RunRecord | None,
) -> RunRecord:
    """Everything that decides the run; for a fitted one also the options of what it starts from."""
    known = entry(run.method)
    base = base_of(run, runs) if issubclass(known.method, FittedMethod) else None
    return RunRecord(
        run=run,
        base=None if base is None else base.options,
        data=store.describe(run, begun),
        command=tuple(map(printable, command)),
        plugins=() if known.plugin is None else (known.plugin,),
        tool_version=__version__,
    )


def run_all(
    prepared: Prepared,
    *,
    on_state: OnState = lambda folder, state, why: None,
    on_step: OnStep = lambda folder, step, steps: None,
    on_evaluation: OnEvaluation = lambda folder, step, steps, record: None,
    on_note: OnNote = lambda text: None,
    save_seconds: float = 30.0,
    bundle: int = 1,
    cuda_graphs: bool = False,
    only: Collection[RunConfig] | None = None,
) -> int:
    """Train every run that is not finished yet and that no other process trains.

    A run that cannot be trained, diverges or needs too much memory does not stop the others.

    Args:
        on_state: called with the folder, its new state, and why it failed.
        on_step, on_evaluation: as in `train`.
        on_note: called with what a user should know of how the runs are trained.
        save_seconds: work that a kill may cost.
        bundle: at most so many runs of one program shape are trained as one program; fewer where
            they do not fit into the memory, and one where the method does not permit more.
        cuda_graphs: on cached features, record losses and gradients of a step on a GPU, and replay
            them.
        only: train these of the runs; None for all.

    Returns:
        how many failed.
    """
    runner = Runner(
        prepared.store,
        dict(prepared.runs),
        on_state=on_state,
        on_step=on_step,
        on_evaluation=on_evaluation,
        on_note=on_note,
        save_seconds=save_seconds,
        cuda_graphs=cuda_graphs,
    )
    runs = [each for each in prepared.runs if only is None or each[0] in only]
    waiting = deque(side_by_side(runs, bundle))
    while waiting:
        waiting.extendleft(reversed(runner.train(waiting.popleft())))
    return len(runner.failed)
