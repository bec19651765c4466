"""Prepare and train runs in this process, and say what happens as events."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import torch

from ...cache.errors import InputError
from ..briefing import brief
from ..config.grid import Grid
from ..config.options import RunConfig
from ..end_to_end.decoding import Decoding
from ..events import (
    Evaluated,
    GridReady,
    GridRefused,
    Noted,
    OnEvent,
    RunChanged,
    StepDone,
    VideosUnreadable,
)
from ..grid import Prepared, prepare, run_all
from ..opening import open_store


def prepare_each(
    grids: Sequence[Grid],
    device: torch.device,
    *,
    devices: Sequence[str] = (),
    threads: int = 0,
    alone: bool,
    decoding: Decoding | None = None,
    command: Sequence[str] = (),
    on_event: OnEvent,
) -> Iterator[tuple[Grid, Prepared]]:
    """Open the data of grids one after another, each when it is asked for.

    Args:
        grids: what to prepare.
        device: where runs want the features.
        devices: where they will be trained, if that is elsewhere.
        threads: that will train each; 0 for as many as this process has.
        alone: whether a grid that cannot be prepared is an error; else its runs have failed.
        decoding: of clips, end to end.
        command: words of the command that asks for them, which the runs' records keep.
        on_event: called with what is found.

    Raises:
        InputError: the grid is ``alone`` and cannot be prepared.
    """
    for grid in grids:
        try:
            store = open_store(grid, device, decoding, on_event=on_event)
            if store.unreadable:
                on_event(VideosUnreadable(store.unreadable))
            prepared = prepare(
                store,
                grid.runs,
                grid.output,
                device=torch.device(devices[0]) if devices else None,
                threads=threads,
                oracle=grid.oracle,
                continue_from=grid.continue_from,
                command=command,
            )
        except InputError as error:
            if alone:
                raise
            on_event(GridRefused(grid, str(error)))
            for run in grid.runs:
                on_event(RunChanged(grid.output / run.name, "failed", str(error)))
            continue
        where = devices or (str(device),)
        on_event(GridReady(grid, brief(prepared, where, recommended=grid.recommended)))
        yield grid, prepared


def train_here(
    prepared: Prepared,
    *,
    on_event: OnEvent,
    save_seconds: float,
    bundle: int = 1,
    cuda_graphs: bool = False,
    only: Collection[RunConfig] | None = None,
) -> None:
    """`run_all`, with events.

    Args:
        prepared: the runs.
        on_event: called with their events.
        save_seconds: work that a kill may cost.
        bundle: at most so many are one program.
        cuda_graphs: as in `run_all`.
        only: train these of them.
    """
    run_all(
        prepared,
        on_state=lambda folder, state, why: on_event(RunChanged(folder.path, state, why)),
        on_step=lambda folder, step, steps: on_event(StepDone(folder.path, step, steps)),
        on_evaluation=lambda folder, step, steps, metrics: on_event(
            Evaluated(folder.path, step, steps, metrics)
        ),
        save_seconds=save_seconds,
        on_note=lambda text: on_event(Noted(text)),
        bundle=bundle,
        cuda_graphs=cuda_graphs,
        only=only,
    )
