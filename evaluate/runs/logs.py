"""What looked wrong in the training of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...adapt.run.read import read_health
from ...adapt.training.health import by_kind
from ...cache import InputError
from .groups import Group
from .names import folder_names


@dataclass(frozen=True)
class HealthWarning:
    """Something that looked wrong in the training of some runs.

    Args:
        runs: a group's folder name and a seed of each.
        text: what looked wrong, of the first of them.
        remedy: what to try.
    """

    runs: tuple[tuple[str, int], ...]
    text: str
    remedy: str


@dataclass(frozen=True)
class Health:
    """What looked wrong in the training of all runs.

    Args:
        warnings: each kind once.
        unreadable: why the health of some runs is not known.
    """

    warnings: tuple[HealthWarning, ...] = ()
    unreadable: tuple[str, ...] = ()


def health_of(groups: Sequence[Group]) -> Health:
    """What looked wrong, each kind once for all runs that it concerns."""
    found, unreadable = [], []
    for group, name in zip(groups, folder_names(groups), strict=True):
        for run in group.runs:
            try:
                found += [((name, run.seed), finding) for finding in read_health(run.path)]
            except InputError as error:
                unreadable.append(str(error))
    warnings = [
        HealthWarning(tuple(runs), finding.text, finding.remedy) for runs, finding in by_kind(found)
    ]
    return Health(tuple(warnings), tuple(unreadable))
