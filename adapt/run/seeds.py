"""Runs that differ in the seed alone, and the path that names all of them."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from ...cache.errors import InputError

if TYPE_CHECKING:
    from .record import RunRecord  # it needs torch

_SEED = r"_seed\d+"


class _Run(Protocol):
    @property
    def path(self) -> Path: ...
    @property
    def record(self) -> RunRecord: ...


Run = TypeVar("Run", bound=_Run)


def group_seeds(runs: Iterable[Run]) -> list[tuple[Run, ...]]:
    """Group runs that differ in the seed alone.

    Returns:
        groups in the order of their first runs, each by rising seed.

    Raises:
        InputError: two runs of a group have the same seed.
    """
    groups: dict[Hashable, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.record.of_all_seeds, []).append(run)
    for members in groups.values():
        members.sort(key=lambda run: run.record.run.seed)
        for a, b in zip(members, members[1:], strict=False):
            if a.record.run.seed == b.record.run.seed:
                raise InputError(f"{a.path} and {b.path} are the same run: name one of them")
    return [tuple(members) for members in groups.values()]


def without_seed(folder: Path) -> Path:
    """``runs/tcon_rgb_k6`` of the run folder ``runs/tcon_rgb_k6_seed0``; it names all seeds."""
    return folder.with_name(re.sub(rf"{_SEED}$", "", folder.name))


def named_folders(path: Path) -> list[Path]:
    """The folders that a path names: itself, or the seeds' of a path `without_seed`; [] if there
    are none."""
    if path.exists():
        return [path]
    seeds = re.compile(re.escape(path.name) + _SEED)
    return sorted(folder for folder in path.parent.glob("*") if seeds.fullmatch(folder.name))
