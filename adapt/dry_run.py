"""What would be trained, without training: ``tcon adapt --dry-run``."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..cache import InputError
from .data.store import open_store
from .end_to_end.decoding import FEATURE_FILES, Decoding
from .grid import Grid, check_runs
from .run_folder import LOGITS, RESUME


def show_runs(
    grids: Sequence[Grid],
    *,
    check: Sequence[Grid] | None = None,
    decoding: Decoding = Decoding(),  # noqa: B008  (it never changes)
) -> None:
    """Print every run and whether it is finished, interrupted or still to start.

    Args:
        grids: whose runs.
        check: those whose feature files are there; None for all.
        decoding: of clips, end to end.

    Raises:
        InputError: what training would refuse.
    """
    for grid in grids if check is None else check:
        if grid.end_to_end:
            from .end_to_end.flows import flow_recipe
            from .end_to_end.lists import check_videos

            flow_recipe(decoding)
            for path in (grid.source, grid.target):
                check_videos(path)
            if not all(path.suffix in FEATURE_FILES for path in (grid.source, grid.target)):
                continue  # lists would have to be decoded first
        store = open_store(
            grid.runs,
            grid.source,
            grid.target,
            task=grid.task,
            device=torch.device("cpu"),
            decoding=decoding,
        )
        check_runs(grid.runs, store, oracle=grid.oracle)
    for grid in grids:
        task = f", {grid.task}" if grid.task else ""
        print(f"{grid.output}: {grid.source} to {grid.target}{task}")
        for run in grid.runs:
            folder = grid.output / run.name
            finished, begun = (folder / LOGITS).exists(), (folder / RESUME).exists()
            state = "finished" if finished else "interrupted" if begun else "to start"
            print(f"  {run.name}: {state}")
    print(f"{sum(len(grid.runs) for grid in grids)} runs")


def require_mode(grids: Sequence[Grid], decoding: Decoding) -> None:
    """Refuse options of decoding where no run decodes.

    Raises:
        InputError: names the first of them.
    """
    if decoding.given and not any(grid.end_to_end for grid in grids):
        raise InputError(f"{decoding.given[0]} needs --end-to-end")
