"""What would be trained, without training: ``tcon adapt --dry-run``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...cache.common.counts import counted
from ..config.grid import Grid
from ..end_to_end.decoding import Decoding
from ..grid import check_runs
from ..opening import preview_store
from ..run.folder import RESUME, is_finished
from .display import run_console


@dataclass(frozen=True)
class Listed:
    """A run by name, and whether it is ``finished``, ``interrupted`` or ``to start``."""

    name: str
    state: str


def check_grids(grids: Sequence[Grid], decoding: Decoding | None = None) -> None:
    """Refuse what training would refuse, as far as that can be known without decoding.

    Raises:
        InputError: says what.
    """
    for grid in grids:
        store = preview_store(grid, decoding)
        if store is not None:
            check_runs(grid.runs, store, oracle=grid.oracle)


def list_runs(grid: Grid) -> list[Listed]:
    """Every run of a grid."""
    listed = []
    for run in grid.runs:
        folder = grid.output / run.name
        finished, begun = is_finished(folder), (folder / RESUME).exists()
        state = "finished" if finished else "interrupted" if begun else "to start"
        listed.append(Listed(run.name, state))
    return listed


def show_runs(grids: Sequence[Grid]) -> None:
    """Print every run of every grid."""
    console = run_console()
    for grid in grids:
        task = f", {grid.task}" if grid.task else ""
        console.print(f"{grid.output}: {grid.source} to {grid.target}{task}")
        for run in list_runs(grid):
            console.print(f"  {run.name}: {run.state}")
    console.print(counted(sum(len(grid.runs) for grid in grids), "run"))
