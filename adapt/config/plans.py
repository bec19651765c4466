"""Plans: grids of runs written down in TOML; `plan_file` has the form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...cache.errors import InputError, MissingFile
from ...cache.sources import sources_of
from .grid import Grid, make_grid
from .plan_file import PlanFile, read_plan_file


@dataclass(frozen=True)
class Plan:
    """Grids in the order written, and per feature file the command that makes it."""

    grids: tuple[Grid, ...]
    commands: Mapping[str, str]

    def ready(self) -> list[Grid]:
        """The grids whose feature files are there."""
        return [grid for grid in self.grids if self.missing(grid) is None]

    def left_out(self) -> dict[Path, str]:
        """Why the other grids cannot be trained, by their output folders."""
        return {grid.output: why for grid in self.grids if (why := self.missing(grid))}

    def missing(self, grid: Grid) -> str | None:
        """Which feature file of a grid is not there, and how to make it; None if both are."""
        for path in (grid.source, grid.target):
            try:
                there = any(source.exists() for source in sources_of(path))
            except MissingFile:
                there = False
            if not there:
                command = self.commands.get(str(path), f"tcon extract VIDEOS -o {path}")
                return f"{path} is missing; make it with: {command}"
        return None


def read_plan(path: str, given: Mapping[str, Any]) -> Plan:
    """`make_plan` of a TOML file, or of a shipped plan by its name.

    Raises:
        InputError: as of `read_plan_file` and `make_plan`.
    """
    return make_plan(read_plan_file(path), given)


def make_plan(file: PlanFile, given: Mapping[str, Any]) -> Plan:
    """The grids of a plan.

    Args:
        file: the plan as it is written.
        given: keys from the command line; they override the plan's.

    Raises:
        InputError: a value is wrong, or two grids would write the same run.
    """
    grids = file.each(given, make_grid)
    _check_apart(grids, file.path)
    return Plan(tuple(grids), file.commands)


def _check_apart(grids: list[Grid], path: str) -> None:
    folders = [grid.output / run.name for grid in grids for run in grid.runs]
    twice = next((folder for folder in folders if folders.count(folder) > 1), None)
    if twice:
        raise InputError(f"plan {path}: two grids write {twice}: give each [[grid]] its own name")
